/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/exchange.h"

#include <string.h>

void
exchange_init(struct exchange *exchange, const struct text *text, size_t first)
{
	*exchange = (struct exchange){
	    .text = text,
	    .next = first,
	    .question_at = text->places[first].question,
	    .answering = first,
	    .answer_at = text->places[first].answer,
	    .answer_left = text_answer_length(text, first),
	};
}

/* The message behind another in the cycle. */
static size_t
follow(const struct text *text, size_t message)
{
	return message + 1 == text->nmessages ? 0 : message + 1;
}

void
exchange_begin(struct exchange *exchange)
{
	const struct text *text = exchange->text;
	exchange->unsent += text_question_length(text, exchange->next);
	exchange->unanswered += text_answer_length(text, exchange->next);
	exchange->next = follow(text, exchange->next);
	exchange->begun++;
}

const unsigned char *
exchange_unsent(const struct exchange *exchange, size_t *n)
{
	const struct text *text = exchange->text;
	size_t whole = text_end(text).question - exchange->question_at;
	*n = exchange->unsent < whole ? exchange->unsent : whole;
	return text->questions + exchange->question_at;
}

void
exchange_sent(struct exchange *exchange, size_t n)
{
	exchange->unsent -= n;
	exchange->question_at += n;
	if (exchange->question_at == text_end(exchange->text).question)
		exchange->question_at = 0;
}

size_t
exchange_compare(
    const struct exchange *exchange, const unsigned char *bytes, size_t n)
{
	const struct text *text = exchange->text;
	size_t end = text_end(text).answer, at = exchange->answer_at;
	if (n > exchange->unanswered)
		n = exchange->unanswered;
	for (size_t done = 0; done < n; at = 0) {
		size_t length = n - done < end - at ? n - done : end - at;
		const unsigned char *expected = text->answers + at;
		if (memcmp(bytes + done, expected, length) != 0) {
			while (bytes[done] == *expected++)
				done++;
			return done;
		}
		done += length;
	}
	return n;
}

uint64_t
exchange_received(struct exchange *exchange, size_t n)
{
	const struct text *text = exchange->text;
	uint64_t before = exchange->answered;
	exchange->unanswered -= n;
	exchange->answer_at += n;
	while (exchange->answer_at >= text_end(text).answer)
		exchange->answer_at -= text_end(text).answer;
	while (n > 0 && n >= exchange->answer_left) {
		n -= exchange->answer_left;
		exchange->answered++;
		exchange->answering = follow(text, exchange->answering);
		exchange->answer_left =
		    text_answer_length(text, exchange->answering);
	}
	exchange->answer_left -= n;
	return exchange->answered - before;
}

size_t
exchange_expected(
    const struct exchange *exchange, unsigned char *bytes, size_t n)
{
	const struct text *text = exchange->text;
	if (n > exchange->unanswered)
		n = exchange->unanswered;
	for (size_t i = 0; i < n; i++)
		bytes[i] = text->answers[(exchange->answer_at + i) %
					 text_end(text).answer];
	return n;
}
