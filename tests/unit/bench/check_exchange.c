/* SPDX-License-Identifier: ISC */
/* Where a connection is in its text, however the kernel cuts what it moves. */
#include "config.h"

#include "bench/exchange.h"
#include "unit/runner.h"

#include <stdlib.h>
#include <string.h>

/* Messages ab, sharp s, cd, dotless i and z, some with answers of other
 * lengths. */
#define TEXT                                                                   \
	"ab\xc3\x9f"                                                           \
	"cd\xc4\xb1z"
#define ANSWER "ABSSCDIZ"
enum { NMESSAGES = 5, NQUESTIONS = 9, NANSWERS = 8 };

static struct text text;
static struct exchange exchange;

static void
prepare(void)
{
	unsigned char *bytes = malloc(NQUESTIONS);
	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, TEXT, NQUESTIONS);
	ck_assert_int_eq(
	    text_cut(&text, bytes, NQUESTIONS, 2, TEXT_UPPER), TEXT_MADE);
	ck_assert_uint_eq(text.nmessages, NMESSAGES);
	exchange_init(&exchange, &text, 0);
}

static void
clean_up(void)
{
	text_free(&text);
}

/* The bytes of the questions or answers from message first on. */
static unsigned char
byte_of(const char *bytes, size_t n, size_t start, size_t i)
{
	return (unsigned char)bytes[(start + i) % n];
}

START_TEST(nothing_is_sent_or_due_before_a_message_is_begun)
{
	size_t n;
	(void)exchange_unsent(&exchange, &n);
	ck_assert_uint_eq(n, 0);
	ck_assert(exchange_is_at_rest(&exchange));
	ck_assert_uint_eq(
	    exchange_compare(&exchange, (const unsigned char *)"AB", 2), 0);
}
END_TEST

/* Sends and receives count messages in pieces of at most the given sizes. */
static void
converse(size_t first, size_t count, size_t send_most, size_t receive_most)
{
	exchange_init(&exchange, &text, first);
	size_t sent = 0, received = 0, answered = 0;
	for (size_t i = 0; i < count; i++)
		exchange_begin(&exchange);
	while (exchange.unsent > 0) {
		size_t n;
		const unsigned char *bytes = exchange_unsent(&exchange, &n);
		ck_assert_uint_gt(n, 0);
		n = n < send_most ? n : send_most;
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(bytes[i],
			    byte_of(TEXT, NQUESTIONS,
				text.places[first].question, sent + i));
		exchange_sent(&exchange, n);
		sent += n;
	}
	while (exchange.unanswered > 0) {
		unsigned char bytes[64];
		size_t n = exchange.unanswered < receive_most
			       ? exchange.unanswered
			       : receive_most;
		for (size_t i = 0; i < n; i++)
			bytes[i] = byte_of(ANSWER, NANSWERS,
			    text.places[first].answer, received + i);
		ck_assert_uint_eq(exchange_compare(&exchange, bytes, n), n);
		/* The last byte of a piece is not looked at less. */
		bytes[n - 1]++;
		ck_assert_uint_eq(exchange_compare(&exchange, bytes, n), n - 1);
		answered += exchange_received(&exchange, n);
		received += n;
	}
	ck_assert(exchange_is_at_rest(&exchange));
	ck_assert_uint_eq(answered, count);
	ck_assert_uint_eq(exchange.answered, count);
	ck_assert_uint_eq(exchange.begun, count);
}

START_TEST(messages_go_round_in_pieces_of_any_size_from_any_of_them)
{
	for (size_t first = 0; first < NMESSAGES; first++) {
		for (size_t count = 1; count <= 3 * NMESSAGES; count++) {
			for (size_t n = 1; n <= 30; n++)
				converse(first, count, n, 31 - n);
		}
	}
}
END_TEST

START_TEST(what_is_expected_is_known_across_the_end_of_the_text)
{
	unsigned char bytes[4];
	exchange_init(&exchange, &text, NMESSAGES - 1);
	exchange_begin(&exchange);
	ck_assert_uint_eq(exchange_expected(&exchange, bytes, 4), 1);
	ck_assert_mem_eq(bytes, "Z", 1);
	exchange_begin(&exchange);
	ck_assert_uint_eq(exchange_expected(&exchange, bytes, 4), 3);
	ck_assert_mem_eq(bytes, "ZAB", 3);
}
END_TEST

START_TEST(more_than_is_due_is_not_as_expected)
{
	exchange_begin(&exchange);
	ck_assert_uint_eq(
	    exchange_compare(&exchange, (const unsigned char *)"ABSS", 4), 2);
	exchange_begin(&exchange);
	ck_assert_uint_eq(
	    exchange_compare(&exchange, (const unsigned char *)"ABSS", 4), 4);
	ck_assert_uint_eq(
	    exchange_compare(&exchange, (const unsigned char *)"ABAB", 4), 2);
	ck_assert_uint_eq(
	    exchange_compare(&exchange, (const unsigned char *)"bBSS", 4), 0);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("exchange");
	TCase *tests = tcase_create("exchange");
	tcase_add_checked_fixture(tests, prepare, clean_up);
	tcase_add_test(tests, nothing_is_sent_or_due_before_a_message_is_begun);
	tcase_add_test(
	    tests, messages_go_round_in_pieces_of_any_size_from_any_of_them);
	tcase_add_test(
	    tests, what_is_expected_is_known_across_the_end_of_the_text);
	tcase_add_test(tests, more_than_is_due_is_not_as_expected);
	suite_add_tcase(suite, tests);
	return suite;
}
