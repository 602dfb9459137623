/* SPDX-License-Identifier: ISC */
/* The daemon never serves as root. */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <sys/types.h>

/*
 * As root: becomes that account (account.h), or for an empty text the default
 * one.  Then makes sure that there is no
 * way back.  Just before, give is called, for what the account is to own.
 * Otherwise only checks that no other account was asked for.  To be
 * called before there are threads.  Returns 0 or an exit status of
 * sysexits(3), logged.
 */
int privileges_drop(
    const char *user, void (*give)(uid_t account, void *arg), void *arg);

/*
 * Makes sure that root could become that account, if the text is not empty;
 * returns the same.
 */
int privileges_check(const char *user);

#endif
