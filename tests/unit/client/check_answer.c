/* SPDX-License-Identifier: ISC */
/* What can be an answer of upcased, and what cannot. */
#include "config.h"

#include "client/answer.h"
#include "client/invalid.h"
#include "unit/runner.h"

#include <stdio.h>
#include <string.h>

enum { LAST_SCALAR = 0x10ffff, LENGTH_MAX = 4 };

/* What is sent to a server and what comes back, each judged as it comes. */
struct exchange {
	struct tally sent, received;
	struct answer answer;
};

static void
begin(struct exchange *exchange)
{
	memset(exchange, 0, sizeof *exchange);
	answer_start(&exchange->answer);
}

static const char *
receive(struct exchange *exchange, const void *bytes, size_t n)
{
	tally_add(&exchange->received, bytes, n);
	return answer_judge(
	    &exchange->answer, &exchange->sent, &exchange->received, bytes, n);
}

/* The same byte by byte; the first thing that is wrong. */
static const char *
receive_bytes(struct exchange *exchange, const char *bytes, size_t n)
{
	const char *wrong = NULL;
	for (size_t i = 0; i < n && wrong == NULL; i++)
		wrong = receive(exchange, bytes + i, 1);
	return wrong;
}

/* Judges a received text after another was sent. */
static const char *
judge(const char *sent, const char *received)
{
	struct exchange exchange;
	begin(&exchange);
	tally_add(&exchange.sent, sent, strlen(sent));
	return receive(&exchange, received, strlen(received));
}

static size_t
encode(uint32_t scalar, char bytes[static 4])
{
	if (scalar < 0x80) {
		bytes[0] = (char)scalar;
		return 1;
	}
	size_t n = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
	static const unsigned lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, scalar >>= 6)
		bytes[i] = (char)(0x80 | (scalar & 0x3f));
	bytes[0] = (char)(lead[n] | scalar);
	return n;
}

static size_t
to_upper(const char *text, size_t n, char *upper)
{
	struct upcase_stream stream;
	upcase_stream_init(&stream, UPCASE_PASS);
	size_t length = upcase_stream_update(
	    &stream, (unsigned char *)upper, (const unsigned char *)text, n);
	return length +
	       upcase_stream_final(&stream, (unsigned char *)upper + length);
}

static bool
is_surrogate(uint32_t scalar)
{
	return scalar >= 0xd800 && scalar <= 0xdfff;
}

START_TEST(the_answer_to_every_character_is_taken)
{
	for (uint32_t scalar = 0; scalar <= LAST_SCALAR; scalar++) {
		char text[4], upper[UPCASE_BOUND(4)];
		struct exchange exchange;
		if (is_surrogate(scalar))
			continue;
		size_t n = encode(scalar, text);
		size_t nupper = to_upper(text, n, upper);
		begin(&exchange);
		tally_add(&exchange.sent, text, n);
		if (receive(&exchange, upper, nupper) != NULL)
			ck_abort_msg("U+%04X", (unsigned)scalar);
		begin(&exchange);
		tally_add(&exchange.sent, text, n);
		if (receive_bytes(&exchange, upper, nupper) != NULL)
			ck_abort_msg("U+%04X", (unsigned)scalar);
	}
}
END_TEST

START_TEST(an_echo_of_every_letter_that_has_an_upper_case_is_foreign)
{
	unsigned nletters = 0;
	for (uint32_t scalar = 0; scalar <= LAST_SCALAR; scalar++) {
		char text[4], upper[UPCASE_BOUND(4)];
		struct exchange exchange;
		if (is_surrogate(scalar))
			continue;
		size_t n = encode(scalar, text);
		size_t nupper = to_upper(text, n, upper);
		if (nupper == n && memcmp(text, upper, n) == 0)
			continue;
		nletters++;
		begin(&exchange);
		tally_add(&exchange.sent, text, n);
		ck_assert_msg(receive_bytes(&exchange, text, n) != NULL,
		    "U+%04X", (unsigned)scalar);
	}
	ck_assert_uint_gt(nletters, 1400);
}
END_TEST

/*
 * Answers a text under a policy, sent and answered in two pieces cut at the
 * given place; each piece of the answer is judged as a whole, or byte by byte.
 */
static const char *
answer_in_two(
    const char *text, size_t n, size_t cut, unsigned policy, bool bytewise)
{

	const size_t ends[] = {cut, n};
	struct exchange exchange;
	struct upcase_stream server;
	unsigned char out[UPCASE_BOUND(LENGTH_MAX)];
	begin(&exchange);
	upcase_stream_init(&server, policy);
	size_t at = 0;
	for (int i = 0; i < LENGTH(ends); at = ends[i++]) {
		const char *piece = text + at;
		size_t size = ends[i] - at;
		tally_add(&exchange.sent, piece, size);
		size_t length = upcase_stream_update(
		    &server, out, (const unsigned char *)piece, size);
		const char *wrong =
		    bytewise ? receive_bytes(&exchange, (char *)out, length)
			     : receive(&exchange, out, length);
		if (wrong != NULL)
			return wrong;
	}
	if (upcase_stream_refused(&server))
		return NULL;
	size_t length = upcase_stream_final(&server, out);
	return receive(&exchange, out, length);
}

/* Bytes of all kinds: cased, lone, of whole characters and of none. */
static const unsigned char alphabet[] = {'A', 'z', '\n', 0x80, 0x90, 0x9f, 0xb1,
    0xbf, 0xc3, 0xc4, 0xce, 0xe1, 0xed, 0xf0, 0xff};

static void
take_all_answers(const char *text, size_t n)
{
	for (unsigned policy = UPCASE_PASS; policy <= UPCASE_CLOSE; policy++) {
		for (size_t cut = 0; cut <= n; cut++) {
			/* An assertion that holds takes time, too. */
			if (answer_in_two(text, n, cut, policy, false) ||
			    answer_in_two(text, n, cut, policy, true))
				ck_abort_msg("policy %u, cut at %zu: '%.*s'",
				    policy, cut, (int)n, text);
		}
	}
}

START_TEST(no_right_answer_is_foreign_under_any_policy_and_any_cut)
{
	size_t digits[LENGTH_MAX] = {0};
	for (size_t n = 1; n <= LENGTH_MAX; n++) {
		char text[LENGTH_MAX];
		memset(digits, 0, sizeof digits);
		for (size_t i = 0; i < n;) {
			for (size_t k = 0; k < n; k++)
				text[k] = (char)alphabet[digits[k]];
			take_all_answers(text, n);
			/* Counts on, until the last digit runs over. */
			for (i = 0; i < n; i++) {
				digits[i] = (digits[i] + 1) % LENGTH(alphabet);
				if (digits[i] != 0)
					break;
			}
		}
	}
}
END_TEST

START_TEST(a_letter_is_found_wherever_pieces_are_cut)
{
	static const char came[] = "AB\xce\x90\n\xd0\xbf";
	const size_t n = sizeof came - 1;
	for (size_t cut = 0; cut <= n; cut++) {
		struct exchange exchange;
		begin(&exchange);
		tally_add(&exchange.sent, came, n);
		const char *wrong = receive(&exchange, came, cut);
		if (wrong == NULL)
			wrong = receive(&exchange, came + cut, n - cut);
		ck_assert_str_eq(wrong, "letters that are not in upper case");
	}
}
END_TEST

/* The check goes in pieces; a letter is found in each, and at their edges. */
START_TEST(a_letter_is_found_wherever_it_is_in_a_long_piece)
{
	enum { SIZE = 3 * 4096 };
	static char came[SIZE];
	for (size_t at = 0; at + 1 < SIZE; at += at % 4096 > 4000 ? 1 : 97) {
		struct exchange exchange;
		memset(came, 'X', SIZE);
		begin(&exchange);
		tally_add(&exchange.sent, came, SIZE);
		ck_assert_ptr_null(receive(&exchange, came, SIZE));
		memcpy(came + at, "\xd0\xbf", 2);
		begin(&exchange);
		tally_add(&exchange.sent, came, SIZE);
		ck_assert_ptr_nonnull(receive(&exchange, came, SIZE));
	}
}
END_TEST

START_TEST(an_answer_is_at_most_three_times_as_long_as_its_text)
{
	ck_assert_ptr_null(judge("abc", "ABCABCABC"));
	ck_assert_str_eq(
	    judge("abc", "ABCABCABCA"), "more than the text can become");
	ck_assert_str_eq(judge("", "A"), "more than the text can become");
	/* U+0390 grows as much, and so does a byte that is replaced. */
	ck_assert_ptr_null(judge("\xce\x90", "\xce\x99\xcc\x88\xcc\x81"));
	ck_assert_ptr_null(judge("\xff", "\xef\xbf\xbd"));
}
END_TEST

START_TEST(an_answer_with_more_lines_is_foreign)
{
	ck_assert_str_eq(judge("abc\n", "A\nB\n"), "more lines than it got");
	ck_assert_ptr_null(judge("a\nb\n", "A\nB\n"));
}
END_TEST

/*
 * Answers of servers with the first version are to be taken for ever: a table
 * of a later one must leave the letters that it adds out of the check.
 */
START_TEST(the_table_has_the_version_of_the_first_servers)
{
	ck_assert_str_eq(UPCASE_UNICODE, "17.0.0");
}
END_TEST

/* Whether a text in two pieces is found not to be UTF-8. */
static bool
is_invalid(const char *first, const char *second)
{
	struct invalid invalid;
	invalid_start(&invalid, true);
	bool first_is =
	    strlen(first) > 0 && invalid_find(&invalid, first, strlen(first));
	bool second_is = strlen(second) > 0 &&
			 invalid_find(&invalid, second, strlen(second));
	bool end_is = invalid_find(&invalid, NULL, 0);
	/* Never twice. */
	ck_assert_int_le(first_is + second_is + end_is, 1);
	return first_is || second_is || end_is;
}

START_TEST(a_text_that_is_not_utf8_is_found_once)
{
	ck_assert(!is_invalid("abc", "\xc3\x9f"));
	ck_assert(!is_invalid("\xc3", "\x9f"));
	ck_assert(!is_invalid("", ""));
	ck_assert(is_invalid("\xff", "\xff"));
	ck_assert(is_invalid("\xc3", "A"));
	ck_assert(is_invalid("abc", "\xc3"));
	static char text[10000];
	memset(text, 'a', sizeof text - 1);
	ck_assert(!is_invalid(text, text));
	text[9000] = '\xff';
	ck_assert(is_invalid("", text));
}
END_TEST

START_TEST(what_nobody_watches_is_not_found)
{
	struct invalid invalid;
	invalid_start(&invalid, false);
	ck_assert(!invalid_find(&invalid, "\xff", 1));
}
END_TEST

Suite *
suite(void)
{
	Suite *answer = suite_create("answer");
	TCase *right = tcase_create("right");
	tcase_set_timeout(right, 300);
	tcase_add_test(right, the_answer_to_every_character_is_taken);
	tcase_add_test(
	    right, no_right_answer_is_foreign_under_any_policy_and_any_cut);
	tcase_add_test(right, the_table_has_the_version_of_the_first_servers);
	suite_add_tcase(answer, right);
	TCase *foreign = tcase_create("foreign");
	tcase_set_timeout(foreign, 300);
	tcase_add_test(
	    foreign, an_echo_of_every_letter_that_has_an_upper_case_is_foreign);
	tcase_add_test(foreign, a_letter_is_found_wherever_pieces_are_cut);
	tcase_add_test(
	    foreign, a_letter_is_found_wherever_it_is_in_a_long_piece);
	tcase_add_test(
	    foreign, an_answer_is_at_most_three_times_as_long_as_its_text);
	tcase_add_test(foreign, an_answer_with_more_lines_is_foreign);
	suite_add_tcase(answer, foreign);
	TCase *texts = tcase_create("texts");
	tcase_add_test(texts, a_text_that_is_not_utf8_is_found_once);
	tcase_add_test(texts, what_nobody_watches_is_not_found);
	suite_add_tcase(answer, texts);
	return answer;
}
