/* SPDX-License-Identifier: ISC */
/*
 * A program of the benchmark: it has contenders, which all do the same work,
 * and times them on request.  It first prints a line for each contender, its
 * name, a tab and what is counted, and then `ready'.  A request is a line of
 * words that tabs divide, and so is the answer:
 *
 *	load TEXT CUTS      the files with the text and with the offset of the
 *	                    end of each piece of it, a decimal number a line;
 *	                    the answer is `loaded'
 *	time NAME NS        converts all pieces, one call for each, again and
 *	                    again until that many nanoseconds have passed; the
 *	                    answer is how many bytes it took in, in how many
 *	                    nanoseconds, and how long the answers were, so that
 *	                    no compiler can leave them out
 *	answer NAME FILE    writes the answers to all pieces to the file; the
 *	                    answer is `written'
 *
 * A contender that does not take the text answers `refused'.  The programs in
 * other languages speak the same.
 */
#ifndef CONTENDER_H
#define CONTENDER_H

#include <stdbool.h>
#include <stddef.h>

struct piece {
	const unsigned char *bytes;
	size_t n;
	void *native; /* the same in the form that the call takes, or NULL */
	size_t nnative;
};

struct text {
	unsigned char *bytes;
	size_t n;
	struct piece *pieces;
	size_t npieces;
	size_t longest; /* piece, in bytes */
};

/* Where an answer goes: into the room, or wherever the call leaves it. */
struct answer {
	void *room; /* ROOM(longest) bytes */
	size_t size;
	const void *bytes;
};

/* UTF-16 takes two bytes for a byte of UTF-8, and upper case three times it. */
#define ROOM(n) (6 * (size_t)(n) + 64)

struct contender {
	const char *name;
	const char *counted;
	/* What a user does once for all calls; false refuses the text. */
	bool (*begin)(const struct contender *, struct text *);
	/* Sets bytes and returns the length; in units of native. */
	size_t (*convert)(struct answer *, const struct piece *);
	/* Turns such an answer into malloc'ed UTF-8; NULL where it is that. */
	char *(*encode)(const struct answer *, size_t n, size_t *length);
};

/* What each program defines; ends with a row without a name. */
const struct contender *contenders(void);

/* For where only memory can be missing. */
void *must(void *);

#endif
