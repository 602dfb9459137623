/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "config/config_file.h"

#include "base/printable.h"
#include "config/nearest.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* After so many errors a file is something else than a configuration. */
enum { ERRORS_MAX = 50 };

/* What is no byte. */
enum { END = -1 };

/*
 * It does without standard I/O, whose locks a thread that waits for a remote
 * file system would hold at the end of the process.
 */
struct reader {
	const struct config_file *file;
	void *settings;
	unsigned *lines;
	int fd;
	bool has_failed;
	long size;       /* what was read so far */
	unsigned number; /* of the line */
	unsigned nerrors;
	size_t next, end; /* of the bytes that were not taken yet */
	unsigned char bytes[4096];
};

static void __attribute__((format(printf, 2, 0))) complain_of(
    struct reader *reader, const char *format, va_list arguments, int error)
{
	char sentence[2 * SENTENCE_MAX], shown[PRINTABLE_MAX];
	if (reader->nerrors++ >= ERRORS_MAX)
		return;
	size_t end = (size_t)snprintf(sentence, sizeof sentence,
	    "%s:", printable(reader->file->path, shown));
	if (reader->number > 0)
		end += (size_t)snprintf(sentence + end, sizeof sentence - end,
		    "%u:", reader->number);
	sentence[end++] = ' ';
	(void)vsnprintf(
	    sentence + end, sizeof sentence - end, format, arguments);
	reader->file->complain(sentence, error);
}

static void __attribute__((format(printf, 2, 3)))
complain(struct reader *reader, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	complain_of(reader, format, arguments, 0);
	va_end(arguments);
}

/* The same with errno as the reason. */
static void __attribute__((format(printf, 2, 3)))
complain_errno(struct reader *reader, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	complain_of(reader, format, arguments, errno);
	va_end(arguments);
}

/* How many bytes the character at the beginning of a text has; 0: it is none.
 */
static size_t
length_of(const unsigned char *text)
{
	static const struct {
		unsigned char first, last; /* the bytes that lead it */
		unsigned char low, high;   /* bounds of the byte behind */
		size_t n;
	} forms[] = {
	    /* The well-formed sequences of the Unicode Standard, table 3-7. */
	    {0x00, 0x7f, 0x00, 0xff, 1},
	    {0xc2, 0xdf, 0x80, 0xbf, 2},
	    {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3},
	    {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4},
	    {0xf1, 0xf3, 0x80, 0xbf, 4},
	    {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t i = 0;
	while (i < sizeof forms / sizeof forms[0] && text[0] > forms[i].last)
		i++;
	if (i == sizeof forms / sizeof forms[0] || text[0] < forms[i].first)
		return 0;
	if (forms[i].n > 1 &&
	    (text[1] < forms[i].low || text[1] > forms[i].high))
		return 0;
	/* The end of the text is no such byte. */
	for (size_t k = 2; k < forms[i].n; k++) {
		if (text[k] < 0x80 || text[k] > 0xbf)
			return 0;
	}
	return forms[i].n;
}

static bool
is_utf8(const char *line)
{
	const unsigned char *text = (const unsigned char *)line;
	while (*text != '\0') {
		size_t n = length_of(text);
		if (n == 0)
			return false;
		text += n;
	}
	return true;
}

/* The next byte, or END. */
static int
next_byte(struct reader *reader)
{
	if (reader->next == reader->end) {
		ssize_t n;
		do {
			n = read(
			    reader->fd, reader->bytes, sizeof reader->bytes);
		} while (n == -1 && errno == EINTR);
		reader->has_failed = n == -1;
		if (n <= 0)
			return END;
		reader->next = 0;
		reader->end = (size_t)n;
	}
	reader->size++;
	return reader->bytes[reader->next++];
}

/* Room for a line of any length that is taken, the \r of its end included. */
enum { LINE_ROOM = CONFIG_LINE_MAX + 1 };

/*
 * Reads the next line, without its end, and says what is wrong with it; then it
 * is empty.  False: there is none.
 */
static bool
read_line(struct reader *reader, char line[static LINE_ROOM + 1])
{
	size_t length = 0;
	bool is_long = false, has_nul = false;
	int c = next_byte(reader);
	if (c == END)
		return false;
	reader->number++;
	while (c != END && c != '\n' && reader->size <= CONFIG_FILE_MAX) {
		has_nul = has_nul || c == '\0';
		is_long = is_long || length == LINE_ROOM;
		if (!is_long)
			line[length++] = (char)c;
		c = next_byte(reader);
	}
	if (length > 0 && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	is_long = is_long || length > CONFIG_LINE_MAX;
	if (has_nul)
		complain(reader, "the line has a NUL; this is no text file, or "
				 "it is not UTF-8");
	else if (is_long)
		complain(reader, "the line is longer than %d bytes; shorten it",
		    CONFIG_LINE_MAX);
	else if (!is_utf8(line))
		complain(reader, "the line is not UTF-8; convert the file");
	else
		return true;
	line[0] = '\0';
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The text without the blanks around it. */
static char *
trim(char *text, size_t length)
{
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	while (is_blank(*text))
		text++;
	return text;
}

static void
complain_of_key(struct reader *reader, const char *key)
{
	char shown[PRINTABLE_MAX];
	const struct option_row *row =
	    nearest_row(reader->file->rows, key, strlen(key));
	(void)printable(key, shown);
	if (row != NULL && !row->is_argument)
		complain(reader, "'%s' is no key; did you mean %s?", shown,
		    row->name);
	else
		complain(
		    reader, "'%s' is no key; keys are named as options", shown);
}

static void
set(struct reader *reader, const struct option_row *row, const char *value)
{
	char sentence[SENTENCE_MAX];
	unsigned *line = &reader->lines[row - reader->file->rows];
	bool is_list = row->field.places > 0;
	if (row->is_argument) {
		complain(reader, "%s is for the command line only; take it out",
		    row->name);
		return;
	}
	if (*line != 0 && !is_list) {
		complain(reader, "%s is in line %u already; leave one out",
		    row->name, *line);
		return;
	}
	if (*line == 0)
		option_clear(row, reader->settings);
	*line = reader->number;
	if (!option_set(row, reader->settings, value, sentence)) {
		if (strchr(value, '#') != NULL)
			sentence_add(
			    sentence, "; a comment is a line of its own");
		else if (value[0] == '"' || value[0] == '\'')
			sentence_add(sentence, "; leave the quotes out");
		complain(reader, "%s: %s", row->name, sentence);
	} else if (is_list && reader->file->listed != NULL) {
		reader->file->listed(reader->file->arg, row,
		    option_count(row, reader->settings) - 1, reader->number);
	}
}

static void
read_pair(struct reader *reader, char *line)
{
	char *text = trim(line, strlen(line)), *equals = strchr(text, '=');
	if (text[0] == '\0' || text[0] == '#')
		return;
	if (equals == NULL) {
		char shown[PRINTABLE_MAX];
		complain(reader, "'%s' has no '='; write key = value",
		    printable(text, shown));
		return;
	}
	char *value = trim(equals + 1, strlen(equals + 1));
	char *key = trim(text, (size_t)(equals - text));
	const struct option_row *row = option_find(reader->file->rows, key);
	if (row != NULL)
		set(reader, row, value);
	else
		complain_of_key(reader, key);
}

static void
read_all(struct reader *reader)
{
	static const char mark[] = "\xef\xbb\xbf";
	char line[LINE_ROOM + 1] = "";
	while (read_line(reader, line)) {
		if (reader->size > CONFIG_FILE_MAX) {
			reader->number = 0;
			complain(reader,
			    "the file is larger than 1 MiB; is it the right "
			    "one?");
			return;
		}
		/* Some editors begin a file with this mark of its encoding. */
		bool is_marked = reader->number == 1 &&
				 strncmp(line, mark, strlen(mark)) == 0;
		read_pair(reader, is_marked ? line + strlen(mark) : line);
	}
	if (reader->has_failed) {
		reader->number = 0;
		complain_errno(reader, "cannot read it; is it damaged?");
	}
}

/* A link whose file is gone was not left out on purpose. */
static void
complain_of_open(struct reader *reader)
{
	struct stat status;
	int error = errno;
	bool is_missing = error == ENOENT;
	if (is_missing && lstat(reader->file->path, &status) == -1)
		return;
	errno = error;
	if (is_missing)
		complain(reader, "this is a link to a file that does not "
				 "exist; mend it, or remove it");
	else if (error == EACCES)
		complain(reader, "this account may not read it; let it, also "
				 "in the folders above");
	else
		complain_errno(reader, "cannot open it");
}

/* Opens the file if it is one; -1: it is missing, or what is wrong was said. */
static int
open_file(struct reader *reader)
{
	struct stat status;
	int fd = open(
	    reader->file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1) {
		complain_of_open(reader);
		return -1;
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	complain(reader, "this is not a regular file; name one");
	(void)close(fd);
	return -1;
}

enum config_outcome
config_file_read(
    const struct config_file *file, void *settings, unsigned *lines)
{
	struct reader reader = {
	    .file = file, .settings = settings, .lines = lines};
	for (size_t i = 0; file->rows[i].name != NULL; i++)
		lines[i] = 0;
	reader.fd = open_file(&reader);
	if (reader.fd == -1)
		return reader.nerrors > 0 ? CONFIG_BAD : CONFIG_MISSING;
	read_all(&reader);
	(void)close(reader.fd);
	if (reader.nerrors > ERRORS_MAX) {
		unsigned more = reader.nerrors - ERRORS_MAX;
		reader.number = 0;
		reader.nerrors = 0;
		complain(&reader, "and %u more errors", more);
	}
	return reader.nerrors > 0 ? CONFIG_BAD : CONFIG_READ;
}
