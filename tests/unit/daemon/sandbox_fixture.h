/* SPDX-License-Identifier: ISC */
/* A process in the sandbox of Linux, and files inside and outside of it. */
#ifndef SANDBOX_FIXTURE_H
#define SANDBOX_FIXTURE_H

#include <check.h>

/* How a child says that it is as it should be; others name what is not. */
enum { FINE = 0, NO_SANDBOX = 99 };

/* A folder, a file in it, which the sandbox allows, and one that it does not.
 */
extern char folder[], config[64], outside[64];

/* Requires the sandbox, or ends the process with NO_SANDBOX. */
void enter(void);

/* Runs it in a child, in the sandbox, and returns how the child ended. */
int inside(int (*act)(int), int argument);

/* A case of such tests, to which nothing may be added where this is NULL. */
TCase *sandbox_case(Suite *);

#endif
