/* SPDX-License-Identifier: ISC */
/*
 * Whether what comes can be the answer to what was sent, found out as it comes
 * and without keeping the text.  These hold for every answer of upcased,
 * whatever it does with bytes that are not UTF-8 (see UPCASE_PASS, REPLACE and
 * CLOSE), and wherever the answer is cut:
 *
 *   - it has at most UPCASE_EXPANSION bytes for each that was sent: a byte that
 *     is replaced becomes the 3 bytes of U+FFFD;
 *   - it has no more lines than were sent;
 *   - upper case would not change it any more, as the upper case of every
 *     character is its own.
 *
 * The last is asked of the mapping that is compiled in.  A server of a later
 * version of Unicode meets it too, since no version takes a letter's upper case
 * away (the stability of case pairs in the policies of Unicode), and a letter
 * that is new there is none here.  A server of an earlier version would leave
 * what became a letter since then; there is no upcased of a version before
 * 17.0.0, and a table of a later one has to leave here what it adds to that.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "client/tally.h"
#include "upcase/stream.h"

struct answer {
	struct upcase_stream upper;
	/* What upper has yet to give back: the beginning of a character. */
	unsigned char owed[UPCASE_CARRY];
	size_t nowed;
};

void answer_start(struct answer *);

/*
 * Judges the next n bytes.  The tallies are of all that was sent up to now and
 * of all that was received, these bytes included.  Returns NULL when it can
 * still become an answer, or else what there is of it that cannot be, in words
 * to go on with after "the server sent".
 */
const char *answer_judge(struct answer *, const struct tally *sent,
    const struct tally *received, const char *bytes, size_t n);

#endif
