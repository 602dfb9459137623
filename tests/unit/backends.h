/* SPDX-License-Identifier: ISC */
/* Test cases over each back end of poller.h, and how one is made to fail. */
#ifndef BACKENDS_H
#define BACKENDS_H

#include <check.h>

/* Adds tests to a case, as loop tests of the one index i: the back end's. */
typedef void backends_adder(TCase *, int i);

/*
 * Adds a case for each back end, with the tests of both, and one for the kqueue
 * back end in each of the nasty modes that tests/fake/kqueue.c has, with the
 * tests of the first alone.  Either may be NULL.  With the kqueue of a real
 * kernel the modes change nothing.
 */
void backends_add(Suite *, backends_adder *contract, backends_adder *exact);

/* The number that the next descriptor will have. */
int descriptor_next(void);

/*
 * Makes every wait of the back end of that name fail, until waits_mend.  number
 * is the one that descriptor_next gave before the poller was opened.
 */
void waits_break(const char *name, int number);
void waits_mend(void);

#endif
