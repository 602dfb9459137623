/* SPDX-License-Identifier: ISC */
/* The requests of the driver: see contender.h. */
#include "config.h"

#include "bench/contender.h"

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum { NS_PER_S = 1000000000, LINE_MOST = 10000 };

static struct text text;
static struct answer answer;

void *
must(void *memory)
{
	if (memory == NULL)
		err(EX_OSERR, "memory");
	return memory;
}

static FILE *
open_file(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);
	if (file == NULL)
		err(EX_NOINPUT, "%s", path);
	return file;
}

static void
close_file(FILE *file, const char *path)
{
	if (ferror(file) != 0 || fclose(file) != 0)
		err(EX_IOERR, "%s", path);
}

static void
unload(void)
{
	for (size_t i = 0; i < text.npieces; i++)
		free(text.pieces[i].native);
	free(text.pieces);
	free(text.bytes);
	free(answer.room);
	text = (struct text){0};
}

static void
load_bytes(const char *path)
{
	FILE *file = open_file(path, "rb");
	if (fseek(file, 0, SEEK_END) != 0)
		err(EX_IOERR, "%s", path);
	long size = ftell(file);
	if (size <= 0 || fseek(file, 0, SEEK_SET) != 0)
		errx(EX_DATAERR, "%s: nothing to read", path);
	text.n = (size_t)size;
	text.bytes = must(malloc(text.n));
	if (fread(text.bytes, 1, text.n, file) != text.n)
		errx(EX_IOERR, "%s: too short", path);
	close_file(file, path);
}

static void
load_cuts(const char *path)
{
	FILE *file = open_file(path, "r");
	size_t room = 0, begin = 0, end;
	while (fscanf(file, "%zu", &end) == 1) {
		if (end <= begin || end > text.n)
			errx(EX_DATAERR, "%s: not in order", path);
		if (text.npieces == room) {
			room = room == 0 ? 64 : 2 * room;
			text.pieces = must(
			    realloc(text.pieces, room * sizeof(struct piece)));
		}
		text.pieces[text.npieces++] = (struct piece){
		    .bytes = text.bytes + begin,
		    .n = end - begin,
		};
		if (end - begin > text.longest)
			text.longest = end - begin;
		begin = end;
	}
	close_file(file, path);
	if (begin != text.n)
		errx(EX_DATAERR, "%s: not up to the end", path);
}

static void
load(const char *path, const char *cuts)
{
	unload();
	load_bytes(path);
	load_cuts(cuts);
	answer = (struct answer){.size = ROOM(text.longest)};
	answer.room = must(malloc(answer.size));
	printf("loaded\n");
}

static uint64_t
now(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void
measure(const struct contender *contender, const char *least)
{
	uint64_t wanted = strtoull(least, NULL, 10);
	uint64_t bytes = 0, length = 0, spent, begin = now();
	do {
		for (size_t i = 0; i < text.npieces; i++)
			length += contender->convert(&answer, &text.pieces[i]);
		bytes += text.n;
		spent = now() - begin;
	} while (spent < wanted);
	printf("%ju\t%ju\t%ju\n", (uintmax_t)bytes, (uintmax_t)spent,
	    (uintmax_t)length);
}

static void
write_answer(const struct contender *contender, const char *path)
{
	FILE *file = open_file(path, "wb");
	for (size_t i = 0; i < text.npieces; i++) {
		size_t n = contender->convert(&answer, &text.pieces[i]);
		if (contender->encode == NULL) {
			(void)fwrite(answer.bytes, 1, n, file);
			continue;
		}
		char *bytes = contender->encode(&answer, n, &n);
		(void)fwrite(bytes, 1, n, file);
		free(bytes);
	}
	close_file(file, path);
	printf("written\n");
}

static const struct contender *
find(const char *name)
{
	const struct contender *c = contenders();
	while (c->name != NULL && strcmp(c->name, name) != 0)
		c++;
	if (c->name == NULL)
		errx(EX_USAGE, "there is no %s", name);
	return c;
}

static void
serve(const char *verb, const char *first, const char *second)
{
	if (verb == NULL || first == NULL || second == NULL)
		errx(EX_USAGE, "not a request");
	if (strcmp(verb, "load") == 0) {
		load(first, second);
		return;
	}
	const struct contender *contender = find(first);
	if (contender->begin != NULL && !contender->begin(contender, &text))
		printf("refused\n");
	else if (strcmp(verb, "time") == 0)
		measure(contender, second);
	else
		write_answer(contender, second);
}

int
main(void)
{
	static char line[LINE_MOST];
	const struct contender *all = contenders();
	for (const struct contender *c = all; c->name != NULL; c++)
		printf("%s\t%s\n", c->name, c->counted);
	printf("ready\n");
	(void)fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		const char *verb = strtok(line, "\t\n");
		const char *first = strtok(NULL, "\t\n");
		serve(verb, first, strtok(NULL, "\t\n"));
		(void)fflush(stdout);
	}
	unload();
	return 0;
}
