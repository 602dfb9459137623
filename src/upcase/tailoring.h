/* SPDX-License-Identifier: ISC */
/*
 * What the upper case of a language has of its own: one row for each.  The root
 * locale is the first row; it has no triggers, and code that converts by it
 * alone need not look here (see stream.h).
 *
 * Only a few bytes can begin what a language does differently, such as the i of
 * Turkish.  The kernels know nothing but the root locale: for a row with
 * triggers they are to run from one to the next, where its step is to be asked.
 * The root locale has none, so nothing of that is made yet.
 *
 * A step may have to see what follows a letter, and so may hold back more than
 * the incomplete sequence of a struct upcase_stream.  That goes into a struct
 * upcase_tailored, which is to begin with such a stream.  It must fit into the
 * 32 bytes of the public state; a connection of the daemon, which has room for
 * the stream alone, takes memory of the pool for the rest while there is any.
 */
#ifndef UPCASE_TAILORING_H
#define UPCASE_TAILORING_H

#include <stdbool.h>
#include <stddef.h>

struct upcase_cursor;
struct upcase_tailored;

struct upcase_tailoring {
	const char *name;   /* of the language, as in BCP 47 */
	unsigned expansion; /* the worst growth, in bytes for a byte */
	unsigned carry;     /* the most that a stream holds back, in bytes */

	/*
	 * A character may become none: Lithuanian drops a dot above, Greek an
	 * accent.  Without this an answer has as many characters as the text,
	 * or more, on which upc relies to know that one is whole.
	 */
	bool drops;

	/* The bytes to stop at, or NULL. */
	const char *triggers;

	/*
	 * Moves the cursor over a trigger and all whose upper case depends on
	 * it.  Returns false, and leaves the cursor where it is, if that takes
	 * more input, which is then held back.
	 */
	bool (*step)(struct upcase_tailored *, struct upcase_cursor *);
};

/* Row i; NULL behind the last. */
const struct upcase_tailoring *upcase_tailoring_row(size_t i);

#endif
