/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/answer.h"

#include <string.h>

/* Bytes that are converted at once. */
enum { PIECE = 4096 };

void
answer_start(struct answer *answer)
{
	*answer = (struct answer){.nowed = 0};
	upcase_stream_init(&answer->upper, UPCASE_PASS);
}

/* Whether the upper case of the next n bytes, at most PIECE, is themselves. */
static bool
is_upper(struct answer *answer, const char *bytes, size_t n)
{
	unsigned char came[UPCASE_CARRY + PIECE], upper[UPCASE_BOUND(PIECE)];
	memcpy(came, answer->owed, answer->nowed);
	memcpy(came + answer->nowed, bytes, n);
	size_t ncame = answer->nowed + n;
	size_t nupper = upcase_stream_update(
	    &answer->upper, upper, (const unsigned char *)bytes, n);
	if (nupper > ncame || ncame - nupper > UPCASE_CARRY ||
	    memcmp(upper, came, nupper) != 0)
		return false;
	answer->nowed = ncame - nupper;
	memcpy(answer->owed, came + nupper, answer->nowed);
	return true;
}

const char *
answer_judge(struct answer *answer, const struct tally *sent,
    const struct tally *received, const char *bytes, size_t n)
{
	if (received->bytes > UPCASE_EXPANSION * sent->bytes)
		return "more than the text can become";
	if (received->lines > sent->lines)
		return "more lines than it got";
	for (size_t done = 0; done < n; done += PIECE) {
		size_t left = n - done;
		if (!is_upper(
			answer, bytes + done, left < PIECE ? left : PIECE))
			return "letters that are not in upper case";
	}
	return NULL;
}
