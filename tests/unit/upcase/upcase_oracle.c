/* SPDX-License-Identifier: ISC */
#include "unit/upcase/upcase_oracle.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGETS 3

/* The code points of the upper case; all 0 where nothing changes. */
static uint32_t upper[ORACLE_LAST + 1][TARGETS];

/* Unicode 17.0, table 3-7, row by row. */
static const struct row {
	size_t len;
	struct {
		unsigned char first;
		unsigned char last;
	} byte[ORACLE_SEQUENCE];
} rows[] = {
    {1, {{0x00, 0x7f}}},
    {2, {{0xc2, 0xdf}, {0x80, 0xbf}}},
    {3, {{0xe0, 0xe0}, {0xa0, 0xbf}, {0x80, 0xbf}}},
    {3, {{0xe1, 0xec}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {3, {{0xed, 0xed}, {0x80, 0x9f}, {0x80, 0xbf}}},
    {3, {{0xee, 0xef}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {4, {{0xf0, 0xf0}, {0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {4, {{0xf1, 0xf3}, {0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {4, {{0xf4, 0xf4}, {0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}}},
};

static void
parse_line(const char *path, const char *line)
{
	char *rest;
	unsigned long code = strtoul(line, &rest, 16);

	if (rest == line || *rest != ';' || code > ORACLE_LAST)
		errx(1, "%s: not a mapping: %s", path, line);
	memset(upper[code], 0, sizeof(upper[code]));
	rest++;
	for (unsigned i = 0; *rest != '\n'; i++) {
		unsigned long target = strtoul(rest, &rest, 16);
		if (i == TARGETS || target == 0 || target > ORACLE_LAST)
			errx(1, "%s: not a mapping: %s", path, line);
		upper[code][i] = (uint32_t)target;
	}
	if (upper[code][0] == code)
		memset(upper[code], 0, sizeof(upper[code]));
}

static void
load_file(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[1024];
	char line[256];

	snprintf(path, sizeof(path), "%s/contrib/unicode/%s",
	    srcdir != NULL ? srcdir : ".", name);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), file) != NULL)
		if (line[0] != '#')
			parse_line(path, line);
	if (ferror(file))
		err(1, "%s", path);
	fclose(file);
}

void
oracle_load(void)
{
	load_file("simple-uppercase.txt");
	load_file("special-uppercase.txt");
}

bool
oracle_is_scalar(uint32_t code)
{
	return code <= ORACLE_LAST && !(0xd800 <= code && code <= 0xdfff);
}

size_t
oracle_encode(unsigned char *dst, uint32_t code)
{
	unsigned char tail[] = {
	    (unsigned char)(0x80 + code / 4096 / 64 % 64),
	    (unsigned char)(0x80 + code / 4096 % 64),
	    (unsigned char)(0x80 + code / 64 % 64),
	    (unsigned char)(0x80 + code % 64),
	};
	size_t len = code < 0x80      ? 1
		     : code < 0x800   ? 2
		     : code < 0x10000 ? 3
				      : 4;
	unsigned char marks[] = {0, 0, 0x40, 0x60, 0x70};

	memcpy(dst, tail + sizeof(tail) - len, len);
	dst[0] = len == 1 ? (unsigned char)code : dst[0] | marks[len];
	return len;
}

unsigned
oracle_targets(uint32_t code)
{
	unsigned n = 0;

	while (n < TARGETS && upper[code][n] != 0)
		n++;
	return n;
}

size_t
oracle_upper(unsigned char *dst, uint32_t code)
{
	size_t len = 0;

	if (oracle_targets(code) == 0)
		return oracle_encode(dst, code);
	for (unsigned i = 0; i < oracle_targets(code); i++)
		len += oracle_encode(dst + len, upper[code][i]);
	return len;
}

static uint32_t
decode(const unsigned char *src, size_t len)
{
	static const unsigned char payload[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = src[0] & payload[len];

	for (size_t i = 1; i < len; i++)
		code = code * 64 + src[i] % 64;
	return code;
}

/* Returns the row of the first byte, and how many bytes agree with it. */
static const struct row *
find_row(const unsigned char *src, size_t n, size_t *agree)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		size_t i = 0;
		while (i < rows[r].len && i < n &&
		       rows[r].byte[i].first <= src[i] &&
		       src[i] <= rows[r].byte[i].last)
			i++;
		*agree = i;
		if (i > 0)
			return &rows[r];
	}
	return NULL;
}

size_t
oracle_held(const unsigned char *src, size_t n)
{
	for (size_t held = 1; held < ORACLE_SEQUENCE && held <= n; held++) {
		size_t agree;
		const struct row *row = find_row(src + n - held, held, &agree);
		/* A lead never stands inside of another sequence. */
		if (row != NULL)
			return agree == held && held < row->len ? held : 0;
	}
	return 0;
}

size_t
oracle_answer(unsigned char *dst, const unsigned char *src, size_t n,
    enum upcase_invalid invalid, bool ended, bool *refused)
{
	size_t len = 0;
	size_t at = 0;

	*refused = false;
	while (at < n) {
		size_t agree;
		const struct row *row = find_row(src + at, n - at, &agree);
		if (row != NULL && agree == row->len) {
			uint32_t code = decode(src + at, agree);
			len += oracle_upper(dst + len, code);
			at += agree;
			continue;
		}
		if (row != NULL && agree == n - at && !ended)
			break;
		if (invalid == UPCASE_CLOSE) {
			*refused = true;
			break;
		}
		if (agree == 0)
			agree = 1;
		if (invalid == UPCASE_REPLACE)
			len += oracle_encode(dst + len, 0xfffd);
		for (size_t i = 0; invalid == UPCASE_PASS && i < agree; i++)
			dst[len++] = src[at + i];
		at += agree;
	}
	return len;
}
