/* SPDX-License-Identifier: ISC */
/* Whether a text is UTF-8, found out as it goes, for who wants to be told. */
#ifndef INVALID_H
#define INVALID_H

#include "upcase/stream.h"

#include <stdbool.h>
#include <stddef.h>

struct invalid {
	struct upcase_stream stream; /* stops at what is not UTF-8 */
	bool is_watched;
};

/* Unless it is watched, nothing is ever found, at no cost. */
void invalid_start(struct invalid *, bool is_watched);

/*
 * Looks at the next n bytes.  True, for once, when they show that the text is
 * not UTF-8; the end of the text, with n of 0, shows that of half a character.
 */
bool invalid_find(struct invalid *, const char *bytes, size_t n);

#endif
