/* SPDX-License-Identifier: ISC */
/* How texts are cut into messages, and what is expected to come back. */
#include "config.h"

#include "bench/text.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Characters of one to four bytes, some of which grow or shrink. */
#define MIXED "a\xc3\x9f\xe2\x82\xac\xf0\x9f\x8c\xae\xc4\xb1\xef\xac\x83"

static enum text_outcome
cut(struct text *text, const char *content, size_t size, enum text_answer kind)
{
	size_t n = strlen(content);
	unsigned char *bytes = malloc(n + 1);
	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, content, n);
	return text_cut(text, bytes, n, size, kind);
}

static void
assert_message(
    const struct text *text, size_t i, const char *question, const char *answer)
{
	size_t nquestion = text_question_length(text, i);
	size_t nanswer = text_answer_length(text, i);
	ck_assert_uint_eq(nquestion, strlen(question));
	ck_assert_mem_eq(
	    text->questions + text->places[i].question, question, nquestion);
	ck_assert_uint_eq(nanswer, strlen(answer));
	ck_assert_mem_eq(
	    text->answers + text->places[i].answer, answer, nanswer);
}

START_TEST(a_text_without_a_size_is_one_message)
{
	struct text text;
	ck_assert_int_eq(cut(&text,
			     "stra\xc3\x9f"
			     "e\n",
			     0, TEXT_UPPER),
	    TEXT_MADE);
	ck_assert_uint_eq(text.nmessages, 1);
	ck_assert_uint_eq(text.longest, 8);
	assert_message(&text, 0,
	    "stra\xc3\x9f"
	    "e\n",
	    "STRASSE\n");
	text_free(&text);
}
END_TEST

START_TEST(messages_end_at_ends_of_characters)
{
	struct text text;
	ck_assert_int_eq(cut(&text, MIXED, 4, TEXT_UPPER), TEXT_MADE);
	ck_assert_uint_eq(text.nmessages, 5);
	ck_assert_uint_eq(text.longest, 4);
	assert_message(&text, 0, "a\xc3\x9f", "ASS");
	assert_message(&text, 1, "\xe2\x82\xac", "\xe2\x82\xac");
	assert_message(&text, 2, "\xf0\x9f\x8c\xae", "\xf0\x9f\x8c\xae");
	assert_message(&text, 3, "\xc4\xb1", "I");
	assert_message(&text, 4, "\xef\xac\x83", "FFI");
	text_free(&text);
}
END_TEST

START_TEST(no_size_loses_a_byte_or_makes_a_message_too_long)
{
	for (size_t size = 4; size < 2 * sizeof MIXED; size++) {
		struct text text;
		ck_assert_int_eq(
		    cut(&text, MIXED MIXED, size, TEXT_UPPER), TEXT_MADE);
		ck_assert_uint_eq(
		    text_end(&text).question, strlen(MIXED MIXED));
		ck_assert_mem_eq(
		    text.questions, MIXED MIXED, strlen(MIXED MIXED));
		for (size_t i = 0; i < text.nmessages; i++) {
			size_t length = text_question_length(&text, i);
			ck_assert_uint_le(length, size);
			/* It ends only where the next character is too long. */
			if (i + 1 < text.nmessages)
				ck_assert_uint_gt(length + 4, size);
		}
		text_free(&text);
	}
}
END_TEST

START_TEST(a_character_longer_than_a_message_is_refused)
{
	struct text text;
	ck_assert_int_eq(cut(&text, MIXED, 3, TEXT_UPPER), TEXT_TOO_NARROW);
	ck_assert_int_eq(
	    cut(&text, "ab\xc3\x9f", 1, TEXT_UPPER), TEXT_TOO_NARROW);
	ck_assert_int_eq(cut(&text, "abc", 1, TEXT_UPPER), TEXT_MADE);
	ck_assert_uint_eq(text.nmessages, 3);
	text_free(&text);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_refused)
{
	static const char *const contents[] = {
	    "a\xff", "\x80", "abcd\xc3", "abc\xe2\x82(", "\xed\xa0\x80"};
	for (int i = 0; i < LENGTH(contents); i++) {
		struct text text;
		for (size_t size = 0; size < 8; size += 4)
			ck_assert_int_eq(
			    cut(&text, contents[i], size, TEXT_SAME),
			    TEXT_NOT_UTF8);
	}
}
END_TEST

START_TEST(the_same_answer_is_the_text_itself)
{
	struct text text;
	ck_assert_int_eq(cut(&text, MIXED, 4, TEXT_SAME), TEXT_MADE);
	ck_assert_ptr_eq(text.answers, text.questions);
	assert_message(&text, 0, "a\xc3\x9f", "a\xc3\x9f");
	ck_assert_uint_eq(text_end(&text).answer, text_end(&text).question);
	text_free(&text);
}
END_TEST

/* How many of the messages differ from the first. */
static size_t
count_others(const struct text *text)
{
	size_t others = 0, length = text_question_length(text, 0);
	for (size_t i = 1; i < text->nmessages; i++)
		others += memcmp(text->questions,
			      text->questions + text->places[i].question,
			      length) != 0;
	return others;
}

START_TEST(made_messages_have_the_size_differ_and_end_in_a_newline)
{
	static const size_t sizes[] = {1, 2, 3, 64, 1000, 65536, 100000};
	for (int i = 0; i < LENGTH(sizes); i++) {
		struct text text;
		size_t size = sizes[i];
		ck_assert_int_eq(text_make(&text, size, TEXT_UPPER), TEXT_MADE);
		ck_assert_uint_ge(text.nmessages, 4);
		ck_assert_uint_eq(text.longest, size);
		ck_assert_uint_ge(
		    count_others(&text), text.nmessages * 9 / 10 - 1);
		size_t wrong = 0;
		for (size_t k = 0; k < text.nmessages; k++) {
			const unsigned char *question =
			    text.questions + text.places[k].question;
			wrong += text_question_length(&text, k) != size;
			wrong += memchr(question, '\n', size) !=
				 (size == 1 ? NULL : question + size - 1);
		}
		ck_assert_uint_eq(wrong, 0);
		text_free(&text);
	}
}
END_TEST

/* Writes a file of n bytes and reads it as a text. */
static enum text_outcome
read_file(struct text *text, size_t n)
{
	char path[] = "/tmp/check_text.XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	FILE *file = fdopen(fd, "w");
	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < n; i++)
		(void)fputc('a' + (int)(i % 26), file);
	ck_assert_int_eq(fclose(file), 0);
	enum text_outcome outcome = text_read(text, path, 0, TEXT_UPPER);
	(void)unlink(path);
	return outcome;
}

START_TEST(a_file_is_read_whole)
{
	static const size_t sizes[] = {1, 262143, 262144, 262145, 3000000};
	for (int i = 0; i < LENGTH(sizes); i++) {
		struct text text;
		ck_assert_int_eq(read_file(&text, sizes[i]), TEXT_MADE);
		ck_assert_uint_eq(text_end(&text).question, sizes[i]);
		size_t wrong = 0;
		for (size_t k = 0; k < sizes[i]; k++)
			wrong += text.answers[k] != 'A' + k % 26;
		ck_assert_uint_eq(wrong, 0);
		text_free(&text);
	}
}
END_TEST

START_TEST(files_that_are_empty_missing_or_too_long_are_refused)
{
	struct text text;
	ck_assert_int_eq(read_file(&text, 0), TEXT_EMPTY);
	ck_assert_int_eq(read_file(&text, TEXT_FILE_MAX + 1), TEXT_TOO_LONG);
	errno = 0;
	ck_assert_int_eq(text_read(&text, "/nonexistent/file", 0, TEXT_SAME),
	    TEXT_UNREADABLE);
	ck_assert_int_eq(errno, ENOENT);
	/* A directory opens but does not read. */
	ck_assert_int_eq(text_read(&text, "/", 0, TEXT_SAME), TEXT_UNREADABLE);
	ck_assert_int_eq(errno, EISDIR);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("text");
	TCase *text = tcase_create("text");
	tcase_add_test(text, a_text_without_a_size_is_one_message);
	tcase_add_test(text, messages_end_at_ends_of_characters);
	tcase_add_test(text, no_size_loses_a_byte_or_makes_a_message_too_long);
	tcase_add_test(text, a_character_longer_than_a_message_is_refused);
	tcase_add_test(text, bytes_that_are_not_utf8_are_refused);
	tcase_add_test(text, the_same_answer_is_the_text_itself);
	tcase_add_test(
	    text, made_messages_have_the_size_differ_and_end_in_a_newline);
	tcase_add_test(text, a_file_is_read_whole);
	tcase_add_test(
	    text, files_that_are_empty_missing_or_too_long_are_refused);
	suite_add_tcase(suite, text);
	return suite;
}
