/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/invalid.h"

/* Bytes that are converted at once; the answer is not needed. */
enum { PIECE = 4096 };

void
invalid_start(struct invalid *invalid, bool is_watched)
{
	upcase_stream_init(&invalid->stream, UPCASE_CLOSE);
	invalid->is_watched = is_watched;
}

bool
invalid_find(struct invalid *invalid, const char *bytes, size_t n)
{
	unsigned char answer[UPCASE_BOUND(PIECE)];
	if (!invalid->is_watched)
		return false;
	for (size_t done = 0; done < n; done += PIECE) {
		size_t left = n - done;
		(void)upcase_stream_update(&invalid->stream, answer,
		    (const unsigned char *)bytes + done,
		    left < PIECE ? left : PIECE);
	}
	if (n == 0)
		(void)upcase_stream_final(&invalid->stream, answer);
	bool is_found = upcase_stream_refused(&invalid->stream);
	invalid->is_watched = !is_found;
	return is_found;
}
