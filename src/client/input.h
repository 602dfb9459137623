/* SPDX-License-Identifier: ISC */
/*
 * What upc reads: files one after the other, as cat(1) puts them together.  One
 * that cannot be read, or must not be, is left out, and that is said.
 */
#ifndef INPUT_H
#define INPUT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
	char *const *rest; /* the names of those to come, ended by NULL */
	const char *name;  /* of the one that is read */
	int fd;            /* that one, for poll(2); -1: all have been read */
	int output;
	bool has_failed; /* something was left out */
};

/*
 * Opens the first of the files; "-" is standard input.  One that is the regular
 * file that output is, too, is left out: an answer may be longer than its text,
 * so wherever it is written, it may run into what has yet to be read.
 */
void input_start(struct input *, char *const *names, int output);

/* At most n bytes of what is now read; else as sys_read. */
ssize_t input_read(struct input *, char *, size_t n);

/* Goes on to the next file; the error is why this one ended, 0 for its end. */
void input_next(struct input *, int error);

/*
 * How many bytes are left to read of the files; 0: not known, as of a pipe.
 * They may change until then.
 */
uint64_t input_size(char *const *names);

#endif
