/* SPDX-License-Identifier: ISC */
/* --check: what would be in force, without serving it. */
#ifndef CHECK_H
#define CHECK_H

#include "daemon/options.h"

/*
 * Makes sure, for any account and beside a daemon that runs, that all names are
 * known, and prints the settings as a configuration file that says where each
 * comes from.  Returns 0 or an exit status of sysexits(3), logged.
 */
int check_choice(const struct daemon_choice *, const struct daemon_arguments *);

#endif
