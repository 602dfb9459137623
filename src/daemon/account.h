/* SPDX-License-Identifier: ISC */
/*
 * Who serves: an account by its name, by its number, or as USER:GROUP in
 * numbers.  The latter needs no account database, which an empty root folder
 * has not.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "config/option.h"

#include <sys/types.h>

#include <stdbool.h>

/* Room for the name of an account in the log. */
#define ACCOUNT_SHOWN_MAX 64

struct account {
	uid_t user;
	gid_t group;
	char shown[ACCOUNT_SHOWN_MAX]; /* as it was asked for */
};

/* The option: an array of char with such a text. */
extern const struct option_kind option_account;

/*
 * Finds the account of such a text.  Returns 0 or an exit status of
 * sysexits(3), logged.
 */
int account_find(struct account *, const char *text);

/* The same for the default one: "upcased", or else "nobody" with a warning. */
int account_find_default(struct account *);

/*
 * True when the text says in numbers who that is, for which nothing is looked
 * up.  The group of a lone number counts as the same.
 */
bool account_is(const char *text, uid_t user, gid_t group);

#endif
