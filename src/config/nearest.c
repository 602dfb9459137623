/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "config/nearest.h"

#include <string.h>

enum {
	/* Longer than any name of ours. */
	NAME_MAX_LENGTH = 40,
	/* A third of the letters may be wrong, but for short names. */
	LETTERS_AN_ERROR = 3
};

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A capital is its letter, and an underscore a dash. */
static char
plain(char c)
{
	if (c == '_')
		return '-';
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

/*
 * The least number of letters to insert, delete, replace, or swap with the next
 * one, to make one text of the other (the distance of optimal string
 * alignment).  Row by row of its table, of which three are needed at a time.
 */
static size_t
distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][NAME_MAX_LENGTH + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t is_other = a[i - 1] != b[j - 1];
			row[j] = least(last[j], row[j - 1]) + 1;
			row[j] = least(row[j], last[j - 1] + is_other);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	return last[nb];
}

const struct option_row *
nearest_row(const struct option_row *rows, const char *text, size_t length)
{
	const struct option_row *nearest = NULL;
	while (length > 0 && *text == '-') {
		text++;
		length--;
	}
	if (length == 0 || length > NAME_MAX_LENGTH)
		return NULL;
	char name[NAME_MAX_LENGTH];
	for (size_t i = 0; i < length; i++)
		name[i] = plain(text[i]);
	size_t bound = 1 + length / LETTERS_AN_ERROR;
	for (; rows->name != NULL; rows++) {
		size_t n = strlen(rows->name);
		if (n > NAME_MAX_LENGTH)
			continue;
		size_t d = distance(name, length, rows->name, n);
		if (d < bound) {
			bound = d;
			nearest = rows;
		}
	}
	return nearest;
}
