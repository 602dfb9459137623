/* SPDX-License-Identifier: ISC */
/* The errors of a run: how many of each kind, and the first in full. */
#ifndef ERRORS_H
#define ERRORS_H

#include <stddef.h>
#include <stdint.h>

enum error_kind {
	ERROR_WRONG,   /* a byte is not the one that was expected */
	ERROR_LOST,    /* the connection ended in order before its answer did */
	ERROR_EXTRA,   /* more came than was asked for */
	ERROR_CLOSED,  /* the connection broke, or ended while it was at rest */
	ERROR_REFUSED, /* there is no connection */
	ERROR_TIMEOUT, /* what was expected did not come */
	ERROR_KINDS
};

/* How many bytes of each side are shown. */
#define ERRORS_SHOWN 16

struct error {
	enum error_kind kind;
	unsigned connection; /* its number, from 1 */
	uint64_t offset;     /* in what came over the connection */
	int reason; /* an errno, or 0; of a timeout: all in all it took long */
	size_t nexpected, nreceived; /* bytes, of which these are the first */
	unsigned char expected[ERRORS_SHOWN], received[ERRORS_SHOWN];
};

struct errors {
	uint64_t counts[ERROR_KINDS];
	uint64_t total;
	struct error first;
};

/* Its name in the results: wrong, lost, and so on. */
const char *errors_name(enum error_kind);

/* Counts an error and keeps it if it is the first. */
void errors_add(struct errors *, const struct error *);

/*
 * Says in one sentence on standard error what the first error was; without
 * errors it says nothing.  The server and the timeouts (in ms) are named there.
 * Returns the status to exit with.
 */
int errors_say(const struct errors *, const char *server, uint32_t timeout,
    uint32_t answer_timeout);

#endif
