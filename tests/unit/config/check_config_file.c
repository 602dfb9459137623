/* SPDX-License-Identifier: ISC */
/* Configuration files: each form of a line, and each that is refused. */
#include "config.h"

#include "config/config_file.h"
#include "config/rows.h"
#include "unit/runner.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
	bool flag;
	bool once;
	unsigned number;
	char word[8000];
	unsigned numbers[3];
	size_t nnumbers;
};

/* A digit, as a kind of the program's own, since lists have no bounds. */
static bool
parse_digit(const struct option_field *field, const char *text, void *member)
{
	unsigned digit = (unsigned)(text[0] - '0');
	(void)field;
	if (digit > 9 || text[1] != '\0')
		return false;
	memcpy(member, &digit, sizeof digit);
	return true;
}

static void
want_digit(const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	(void)field;
	sentence_add(sentence, "a digit");
}

static const struct option_kind digit = {
    .parse = parse_digit, .want = want_digit};

#define OPTION_SETTINGS struct settings
static const struct option_row rows[] = {
    {"once", SWITCH(once), .is_argument = true, .help = ""},
    {"flag", SWITCH(flag), .help = ""},
    {"number", NUMBER(number, 1, 99), "N", .preset = "7"},
    {"word", TEXT(word, "a word"), "WORD", .help = ""},
    {"list", LIST(numbers, nnumbers, unsigned, digit), "N", .preset = "5"},
    {.name = NULL},
};
enum { ONCE, FLAG, NUMBER, WORD, ITEMS, NROWS };

static char folder[] = "/tmp/check_config.XXXXXX";
static char path[64];
static struct settings settings;
static unsigned lines[NROWS];

/* What was said, without the name of the file, a line each. */
static char said[1 << 16];
static int last_error;
static unsigned list_lines[3];

static void
complain(const char *sentence, int error)
{
	size_t n = strlen(path);
	ck_assert_msg(strncmp(sentence, path, n) == 0, "%s", sentence);
	ck_assert_uint_lt(strlen(said) + strlen(sentence), sizeof said);
	(void)strcat(said, sentence + n);
	(void)strcat(said, "\n");
	last_error = error;
}

static void
note(void *arg, const struct option_row *row, size_t i, unsigned line)
{
	ck_assert_ptr_eq(arg, &settings);
	ck_assert_ptr_eq(row, &rows[ITEMS]);
	list_lines[i] = line;
}

static enum config_outcome
read_it(void)
{
	const struct config_file file = {
	    .path = path,
	    .rows = rows,
	    .complain = complain,
	    .listed = note,
	    .arg = &settings,
	};
	said[0] = '\0';
	last_error = 0;
	memset(lines, 0xff, sizeof lines);
	memset(list_lines, 0, sizeof list_lines);
	memset(&settings, 0, sizeof settings);
	option_set_defaults(rows, &settings);
	return config_file_read(&file, &settings, lines);
}

static void
write_bytes(const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, n), (int)n);
	ck_assert_int_eq(close(fd), 0);
}

static enum config_outcome
read_text(const char *text)
{
	write_bytes(text, strlen(text));
	return read_it();
}

static void
set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/f", folder);
}

static void
tear_down(void)
{
	(void)unlink(path);
	(void)rmdir(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(the_value_is_the_rest_of_the_line_without_the_blanks_around_it)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
	    {"word = a", "a"},
	    {"word=a\n", "a"},
	    {" \t word \t = \t a b\tc \t \n", "a b\tc"},
	    {"word = a = b", "a = b"},
	    {"word = a # b", "a # b"},
	    {"word = #", "#"},
	    {"word = \"a\"", "\"a\""},
	    {"word = \\n", "\\n"},
	    {"word = stra\xc3\x9f"
	     "e",
		"stra\xc3\x9f"
		"e"},
	    {"word = a\r\n", "a"},
	    {"word = a \r\n", "a"},
	    {"word = a\r\r\n", "a\r"},
	    {"word = a\r", "a"},
	    {"\xef\xbb\xbf"
	     "word = a",
		"a"},
	    {"\xef\xbb\xbf# x\r\n\r\nword = a\r\n", "a"},
	    {"\n\n# word = b\n  # word = c\n\t\nword = a\n\n", "a"},
	    {"#\n#=\nword = a", "a"},
	    {"", ""},
	    {"\n", ""},
	    {"# word = a", ""},
	};
	for (int i = 0; i < LENGTH(cases); i++) {
		ck_assert_msg(read_text(cases[i].text) == CONFIG_READ, "%s: %s",
		    cases[i].text, said);
		ck_assert_str_eq(settings.word, cases[i].word);
		ck_assert_str_eq(said, "");
	}
}
END_TEST

START_TEST(the_line_of_each_value_is_known_and_a_list_replaces_the_default)
{
	ck_assert_int_eq(
	    read_text("flag = yes\n\nlist = 3\nnumber=9\nlist = 4\n"),
	    CONFIG_READ);
	ck_assert(settings.flag);
	ck_assert_uint_eq(settings.number, 9);
	ck_assert_uint_eq(settings.nnumbers, 2);
	ck_assert_uint_eq(settings.numbers[0], 3);
	ck_assert_uint_eq(settings.numbers[1], 4);
	ck_assert_uint_eq(lines[ONCE], 0);
	ck_assert_uint_eq(lines[FLAG], 1);
	ck_assert_uint_eq(lines[NUMBER], 4);
	ck_assert_uint_eq(lines[WORD], 0);
	ck_assert_uint_eq(lines[ITEMS], 5);
	ck_assert_uint_eq(list_lines[0], 3);
	ck_assert_uint_eq(list_lines[1], 5);
	ck_assert_int_eq(read_text("flag = no"), CONFIG_READ);
	ck_assert_uint_eq(settings.nnumbers, 1);
	ck_assert_uint_eq(settings.numbers[0], 5);
}
END_TEST

static const struct {
	const char *text, *said;
} refusals[] = {
    {"word", ":1: 'word' has no '='; write key = value\n"},
    {"\n[word]\n", ":2: '[word]' has no '='; write key = value\n"},
    {"word = ", ":1: word: '' is not a word, of at most 7999 bytes\n"},
    {"word", ":1: 'word' has no '='; write key = value\n"},
    {"= a", ":1: '' is no key; keys are named as options\n"},
    {"wrod = a", ":1: 'wrod' is no key; did you mean word?\n"},
    {"--word = a", ":1: '--word' is no key; did you mean word?\n"},
    {"WORD = a", ":1: 'WORD' is no key; did you mean word?\n"},
    {"word\xc2\xa0= a", ":1: 'word\\xc2\\xa0' is no key; did you mean word?\n"},
    {"xyz = a", ":1: 'xyz' is no key; keys are named as options\n"},
    {"x\x1b[31m = a",
	":1: 'x\\x1b[31m' is no key; keys are named as options\n"},
    {"one = a", ":1: 'one' is no key; keys are named as options\n"},
    {"once = yes", ":1: once is for the command line only; take it out\n"},
    {"word = a\n\nword = a", ":3: word is in line 1 already; leave one out\n"},
    {"number = 0", ":1: number: '0' is not a number from 1 to 99\n"},
    {"number = 5 # five",
	":1: number: '5 # five' is not a number from 1 to 99; a comment is a "
	"line of its own\n"},
    {"number = \"5\"",
	":1: number: '\"5\"' is not a number from 1 to 99; leave the quotes "
	"out\n"},
    {"number = '5'",
	":1: number: ''5'' is not a number from 1 to 99; leave the quotes "
	"out\n"},
    {"number = 0\nnumber = 1",
	":1: number: '0' is not a number from 1 to 99\n"
	":2: number is in line 1 already; leave one out\n"},
    {"flag", ":1: 'flag' has no '='; write key = value\n"},
    {"flag = on", ":1: flag: 'on' is not yes or no\n"},
    {"list = 1\nlist = 2\nlist = 3\nlist = 4",
	":4: list: '4' is not one of the first 3, which are the most\n"},
    {"word = \xff", ":1: the line is not UTF-8; convert the file\n"},
    {"# \xe4\nword = a", ":1: the line is not UTF-8; convert the file\n"},
    /* All errors of a file at once. */
    {"a\nb = 1\nnumber = x", ":1: 'a' has no '='; write key = value\n"
			     ":2: 'b' is no key; keys are named as options\n"
			     ":3: number: 'x' is not a number from 1 to 99\n"},
};

START_TEST(what_is_wrong_is_said_with_its_line_and_what_would_be_right)
{
	for (int i = 0; i < LENGTH(refusals); i++) {
		ck_assert_msg(read_text(refusals[i].text) == CONFIG_BAD, "%s",
		    refusals[i].text);
		ck_assert_str_eq(said, refusals[i].said);
		ck_assert_int_eq(last_error, 0);
	}
}
END_TEST

START_TEST(a_byte_of_zero_is_no_text)
{
	static const char text[] = "word = a\0b\nnumber = 0\n";
	write_bytes(text, sizeof text - 1);
	ck_assert_int_eq(read_it(), CONFIG_BAD);
	ck_assert_str_eq(said,
	    ":1: the line has a NUL; this is no text file, or it is not UTF-8\n"
	    ":2: number: '0' is not a number from 1 to 99\n");
}
END_TEST

/* A comment of a length, with an end. */
static enum config_outcome
read_line_of(size_t length, const char *end)
{
	static char text[2 * CONFIG_LINE_MAX];
	memset(text, '#', length);
	(void)strcpy(text + length, end);
	return read_text(text);
}

START_TEST(a_line_has_a_bound_which_its_end_does_not_count_against)
{
	static const char *const ends[] = {
	    "", "\n", "\r\n", "\nflag = yes\r\n"};
	for (int i = 0; i < LENGTH(ends); i++) {
		ck_assert_int_eq(
		    read_line_of(CONFIG_LINE_MAX, ends[i]), CONFIG_READ);
		ck_assert_int_eq(
		    read_line_of(CONFIG_LINE_MAX + 1, ends[i]), CONFIG_BAD);
		ck_assert_str_eq(said,
		    ":1: the line is longer than 4096 bytes; shorten it\n");
	}
	/* A value may be as long as that leaves room for. */
	static char text[CONFIG_LINE_MAX + 1];
	memset(text, 'a', CONFIG_LINE_MAX);
	memcpy(text, "word = ", 7);
	ck_assert_int_eq(read_text(text), CONFIG_READ);
	ck_assert_uint_eq(strlen(settings.word), CONFIG_LINE_MAX - 7);
}
END_TEST

/* A file of a size, in lines. */
static enum config_outcome
read_size(size_t size, const char *end)
{
	static char text[CONFIG_FILE_MAX + 100];
	memset(text, '\n', size);
	size_t n = strlen(end);
	memcpy(text + size - n, end, n);
	write_bytes(text, size);
	return read_it();
}

START_TEST(a_file_has_a_bound)
{
	static const char *const ends[] = {"\n", "#", "flag = yes"};
	for (int i = 0; i < LENGTH(ends); i++) {
		ck_assert_int_eq(
		    read_size(CONFIG_FILE_MAX, ends[i]), CONFIG_READ);
		ck_assert(settings.flag == (i == 2));
		ck_assert_int_eq(
		    read_size(CONFIG_FILE_MAX + 1, ends[i]), CONFIG_BAD);
		ck_assert_str_eq(said,
		    ": the file is larger than 1 MiB; is it the right "
		    "one?\n");
		ck_assert_int_eq(
		    read_size(CONFIG_FILE_MAX + 2, ends[i]), CONFIG_BAD);
	}
}
END_TEST

START_TEST(no_more_is_said_than_a_person_can_read)
{
	static char text[60 * 4 + 1];
	for (int i = 0; i < 60; i++)
		memcpy(text + 4 * i, "a=b\n", 5);
	ck_assert_int_eq(read_text(text), CONFIG_BAD);
	int n = 0;
	for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	ck_assert_int_eq(n, 51);
	ck_assert_ptr_nonnull(strstr(said, "\n: and 10 more errors\n"));
}
END_TEST

/*
 * By decoding, which the module does not do: the bytes stand for one scalar
 * value, which needs as many.
 */
static bool
is_character(const unsigned char *bytes, size_t n)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	static const unsigned char mask[] = {0, 0, 0xe0, 0xf0, 0xf8};
	if (n == 1)
		return bytes[0] < 0x80;
	if ((bytes[0] & mask[n]) != lead[n])
		return false;
	unsigned value = bytes[0] & (unsigned char)~mask[n];
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return false;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	return value >= least[n] && value <= 0x10ffff &&
	       (value < 0xd800 || value > 0xdfff);
}

/* All ways to cut the bytes into characters. */
static bool
is_text(const unsigned char *bytes, size_t n)
{
	for (size_t first = 1; first <= n && first <= 4; first++) {
		if (is_character(bytes, first) &&
		    is_text(bytes + first, n - first))
			return true;
	}
	return n == 0;
}

/*
 * Comments of which each is a text to be taken or one to be refused; a file has
 * as many errors as are said.
 */
static struct batch {
	char text[1 << 16];
	size_t size;
	unsigned n, ndone;
} good, bad;

static void
check_batch(struct batch *batch)
{
	write_bytes(batch->text, batch->size);
	(void)read_it();
	unsigned n = 0;
	for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	ck_assert_uint_eq(n, batch == &bad ? batch->n : 0);
	batch->ndone += batch->n;
	batch->n = 0;
	batch->size = 0;
}

static void
check_bytes(const unsigned char *bytes, size_t n)
{
	struct batch *batch = is_text(bytes, n) ? &good : &bad;
	char *end = batch->text + batch->size;
	end[0] = '#';
	memcpy(end + 1, bytes, n);
	end[n + 1] = '\n';
	batch->size += n + 2;
	if (++batch->n == 50)
		check_batch(batch);
}

static void
check_rest(void)
{
	check_batch(&good);
	check_batch(&bad);
	ck_assert_uint_gt(good.ndone, 100);
	ck_assert_uint_gt(bad.ndone, 1000);
}

/* A line end is the end of the line, and NUL is refused for itself. */
static bool
is_special(unsigned byte)
{
	return byte == 0 || byte == '\n' || byte == '\r';
}

START_TEST(all_texts_of_one_byte_and_two_are_utf_8_or_refused)
{
	for (unsigned a = 1; a <= 0xff; a++) {
		unsigned char bytes[4] = {(unsigned char)a};
		if (is_special(a))
			continue;
		check_bytes(bytes, 1);
		for (unsigned b = 1; b <= 0xff; b++) {
			/* ASCII behind ASCII is the same for all. */
			if (is_special(b) || (a < 0x7f && b < 0x7f))
				continue;
			bytes[1] = (unsigned char)b;
			check_bytes(bytes, 2);
		}
	}
	check_rest();
}
END_TEST

START_TEST(longer_characters_are_right_up_to_their_bounds)
{
	static const unsigned char leads[] = {0xdf, 0xe0, 0xe1, 0xec, 0xed,
	    0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
	static const unsigned char trails[] = {
	    0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
	for (int i = 0; i < LENGTH(leads); i++) {
		for (int j = 0; j < LENGTH(trails); j++) {
			for (int k = 0; k < LENGTH(trails); k++) {
				unsigned char bytes[5] = {
				    leads[i], trails[j], trails[k]};
				check_bytes(bytes, 3);
				for (int l = 0; l < LENGTH(trails); l++) {
					bytes[3] = trails[l];
					check_bytes(bytes, 4);
				}
			}
		}
	}
	check_rest();
}
END_TEST

START_TEST(a_missing_file_is_no_error_and_anything_but_a_file_is)
{
	ck_assert_int_eq(read_it(), CONFIG_MISSING);
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(lines[FLAG], 0);
	ck_assert_int_eq(symlink("nowhere", path), 0);
	ck_assert_int_eq(read_it(), CONFIG_BAD);
	ck_assert_str_eq(said,
	    ": this is a link to a file that does not exist; "
	    "mend it, or remove it\n");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/dev/zero", path), 0);
	ck_assert_int_eq(read_it(), CONFIG_BAD);
	ck_assert_str_eq(said, ": this is not a regular file; name one\n");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("f", path), 0);
	ck_assert_int_eq(read_it(), CONFIG_BAD);
	ck_assert_str_eq(said, ": cannot open it\n");
	ck_assert_int_eq(last_error, ELOOP);
	ck_assert_int_eq(unlink(path), 0);
	/* Nobody writes to it, and nobody will. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(read_it(), CONFIG_BAD);
	ck_assert_str_eq(said, ": this is not a regular file; name one\n");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(read_it(), CONFIG_BAD);
	ck_assert_str_eq(said, ": this is not a regular file; name one\n");
}
END_TEST

START_TEST(a_file_that_the_account_may_not_read_is_an_error)
{
	write_bytes("", 0);
	ck_assert_int_eq(chmod(path, 0), 0);
	ck_assert_int_eq(chmod(folder, 0711), 0);
	/* Root may, so another account tries. */
	pid_t child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0) {
		if (access(path, R_OK) == 0 && setuid(65534) == -1)
			_exit(2);
		_exit(read_it() != CONFIG_BAD ||
		      strcmp(said, ": this account may not read it; let it, "
				   "also in the folders above\n") != 0);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(no_descriptor_stays_open)
{
	int before = dup(STDIN_FILENO);
	ck_assert_int_eq(close(before), 0);
	(void)read_text("flag = yes");
	(void)read_text("flag");
	(void)read_size(CONFIG_FILE_MAX + 1, "#");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)read_it();
	int after = dup(STDIN_FILENO);
	ck_assert_int_eq(close(after), 0);
	ck_assert_int_eq(after, before);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("config_file");
	TCase *text = tcase_create("text");
	suite_add_tcase(suite, text);
	tcase_add_checked_fixture(text, set_up, tear_down);
	tcase_add_test(text,
	    the_value_is_the_rest_of_the_line_without_the_blanks_around_it);
	tcase_add_test(text,
	    the_line_of_each_value_is_known_and_a_list_replaces_the_default);
	tcase_add_test(
	    text, what_is_wrong_is_said_with_its_line_and_what_would_be_right);
	tcase_add_test(text, a_byte_of_zero_is_no_text);
	tcase_add_test(
	    text, a_line_has_a_bound_which_its_end_does_not_count_against);
	tcase_add_test(text, a_file_has_a_bound);
	tcase_add_test(text, no_more_is_said_than_a_person_can_read);
	tcase_add_test(
	    text, all_texts_of_one_byte_and_two_are_utf_8_or_refused);
	tcase_add_test(text, longer_characters_are_right_up_to_their_bounds);

	TCase *file = tcase_create("file");
	suite_add_tcase(suite, file);
	tcase_add_checked_fixture(file, set_up, tear_down);
	tcase_add_test(
	    file, a_missing_file_is_no_error_and_anything_but_a_file_is);
	tcase_add_test(file, a_file_that_the_account_may_not_read_is_an_error);
	tcase_add_test(file, no_descriptor_stays_open);
	return suite;
}
