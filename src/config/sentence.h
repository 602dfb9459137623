/* SPDX-License-Identifier: ISC */
/* Sentences that are put together piece by piece, in an array of their own. */
#ifndef SENTENCE_H
#define SENTENCE_H

#include <stddef.h>

/* Room for any sentence, its end included; what has no room is left out. */
#define SENTENCE_MAX 512

/* Adds a piece at the end of the sentence. */
void sentence_add(char sentence[static SENTENCE_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds word i of a list of n, whose last is joined by "and" or "or". */
void sentence_add_item(char sentence[static SENTENCE_MAX], const char *word,
    size_t i, size_t n, const char *conjunction);

#endif
