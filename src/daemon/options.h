/* SPDX-License-Identifier: ISC */
/* The command line of upcased. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "base/log.h"
#include "config/cli.h"
#include "net/address.h"
#include "server/settings.h"

#include <stddef.h>

/* The most addresses that can be asked for. */
#define DAEMON_ADDRESSES_MAX 64

struct daemon_options {
	struct address listen[DAEMON_ADDRESSES_MAX];
	size_t nlisten; /* 0: the default addresses */
	char user[256]; /* empty: the default account */
	enum log_level log_level;
	struct settings server;
};

/* All options but --version and --help. */
extern const struct option_row daemon_rows[];

/*
 * Fills in the defaults and reads the arguments.  The version is printed by the
 * function, if it is asked for.
 */
enum cli_outcome daemon_options_read(struct daemon_options *, int argc,
    char **argv, void (*print_version)(void));

#endif
