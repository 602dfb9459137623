/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/text.h"

#include "upcase/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of a cycle, which fit a cache, and the fewest messages of one. */
enum { CYCLE = 256 * 1024, MESSAGES_MIN = 4 };

/* The next of a fixed sequence of numbers: xorshift, of Marsaglia. */
static uint64_t
next_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

enum text_outcome
text_make(struct text *text, size_t size, enum text_answer answer)
{
	static const char alphabet[64] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789  ";
	size_t n = CYCLE / size < MESSAGES_MIN ? MESSAGES_MIN : CYCLE / size;
	unsigned char *bytes = malloc(n * size);
	if (bytes == NULL)
		return TEXT_NO_MEMORY;
	uint64_t state = 5220;
	for (size_t i = 0; i < n * size; i++) {
		bool ends = size > 1 && (i + 1) % size == 0;
		uint64_t drawn = next_number(&state) >> 58;
		bytes[i] = ends ? '\n' : (unsigned char)alphabet[drawn];
	}
	return text_cut(text, bytes, n * size, size, answer);
}

/* The end of the message that starts at the given place. */
static size_t
find_end(const unsigned char *bytes, size_t n, size_t start, size_t size)
{
	if (size == 0 || n - start <= size)
		return n;
	size_t end = start + size;
	while (end > start && (bytes[end] & 0xc0) == 0x80)
		end--;
	return end;
}

/* Stores where messages start, and how many there are. */
static enum text_outcome
cut(struct text *text, size_t n, size_t size)
{
	/* Every message but the last comes within a character of the size. */
	size_t least = size > UPCASE_CARRY ? size - UPCASE_CARRY : 1;
	size_t most = size == 0 ? 1 : n / least + 1;
	text->places = calloc(most + 1, sizeof *text->places);
	if (text->places == NULL)
		return TEXT_NO_MEMORY;
	for (size_t at = 0; at < n;) {
		size_t end = find_end(text->questions, n, at, size);
		if (end == at)
			return TEXT_TOO_NARROW;
		text->places[++text->nmessages].question = end;
		if (end - at > text->longest)
			text->longest = end - at;
		at = end;
	}
	return TEXT_MADE;
}

/* Computes the answers, of each message as a text of its own. */
static enum text_outcome
answer(struct text *text)
{
	text->answers = malloc(UPCASE_BOUND(text_end(text).question));
	if (text->answers == NULL)
		return TEXT_NO_MEMORY;
	size_t end = 0;
	for (size_t i = 0; i < text->nmessages; i++) {
		struct upcase_stream stream;
		upcase_stream_init(&stream, UPCASE_CLOSE);
		end += upcase_stream_update(&stream, text->answers + end,
		    text->questions + text->places[i].question,
		    text_question_length(text, i));
		end += upcase_stream_final(&stream, text->answers + end);
		if (upcase_stream_refused(&stream))
			return TEXT_NOT_UTF8;
		text->places[i + 1].answer = end;
	}
	return TEXT_MADE;
}

/* The answers are the messages themselves. */
static void
repeat(struct text *text)
{
	free(text->answers);
	text->answers = text->questions;
	for (size_t i = 0; i <= text->nmessages; i++)
		text->places[i].answer = text->places[i].question;
}

enum text_outcome
text_cut(struct text *text, unsigned char *bytes, size_t n, size_t size,
    enum text_answer kind)
{
	*text = (struct text){.questions = bytes};
	enum text_outcome outcome = n == 0 ? TEXT_EMPTY : cut(text, n, size);
	if (outcome == TEXT_MADE)
		outcome = answer(text);
	if (outcome != TEXT_MADE)
		text_free(text);
	else if (kind == TEXT_SAME)
		repeat(text);
	return outcome;
}

/* Reads all of a file; NULL with the outcome. */
static unsigned char *
read_all(FILE *file, size_t *n, enum text_outcome *outcome)
{
	unsigned char *bytes = NULL;
	size_t room = 0;
	*n = 0;
	do {
		room += room < CYCLE ? CYCLE : room;
		unsigned char *more = realloc(bytes, room);
		if (more == NULL) {
			*outcome = TEXT_NO_MEMORY;
			free(bytes);
			return NULL;
		}
		bytes = more;
		*n += fread(bytes + *n, 1, room - *n, file);
	} while (*n == room && room <= TEXT_FILE_MAX);
	*outcome = ferror(file) != 0    ? TEXT_UNREADABLE
		   : *n > TEXT_FILE_MAX ? TEXT_TOO_LONG
					: TEXT_MADE;
	if (*outcome == TEXT_MADE)
		return bytes;
	free(bytes);
	return NULL;
}

enum text_outcome
text_read(
    struct text *text, const char *path, size_t size, enum text_answer kind)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return TEXT_UNREADABLE;
	size_t n;
	enum text_outcome outcome;
	unsigned char *bytes = read_all(file, &n, &outcome);
	int saved = errno;
	(void)fclose(file);
	errno = saved;
	return bytes == NULL ? outcome : text_cut(text, bytes, n, size, kind);
}

void
text_free(struct text *text)
{
	if (text->answers != text->questions)
		free(text->answers);
	free(text->questions);
	free(text->places);
	*text = (struct text){0};
}
