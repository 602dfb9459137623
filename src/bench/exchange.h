/* SPDX-License-Identifier: ISC */
/*
 * Where a connection is in its text: what it has asked, sent and been answered.
 * It knows bytes and messages, but no socket and no time.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "bench/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange {
	const struct text *text;
	uint64_t begun, answered; /* messages */
	size_t next;              /* the message to begin */
	size_t question_at;       /* the next byte to send */
	size_t unsent;            /* bytes of messages that were begun */
	size_t answering;         /* the oldest message without an answer */
	size_t answer_at;         /* the next byte to come */
	size_t answer_left;       /* of the oldest message */
	size_t unanswered;        /* bytes, of all that were begun */
};

/* The first message is the one with the given index. */
void exchange_init(struct exchange *, const struct text *, size_t first);

/* Begins the next message: its question is to be sent, its answer is due. */
void exchange_begin(struct exchange *);

/* What is to be sent next, as far as it lies in one piece. */
const unsigned char *exchange_unsent(const struct exchange *, size_t *n);

/* Notes that n bytes of it were sent. */
void exchange_sent(struct exchange *, size_t n);

/* How many of the n bytes that came are right, before one that is not. */
size_t exchange_compare(
    const struct exchange *, const unsigned char *bytes, size_t n);

/*
 * Notes that n bytes came which are right, and returns how many messages they
 * complete.
 */
uint64_t exchange_received(struct exchange *, size_t n);

/* Copies what is expected next, at most n bytes, and returns how many. */
size_t exchange_expected(
    const struct exchange *, unsigned char *bytes, size_t n);

static inline bool
exchange_is_at_rest(const struct exchange *exchange)
{
	return exchange->unsent == 0 && exchange->unanswered == 0;
}

#endif
