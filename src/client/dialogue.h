/* SPDX-License-Identifier: ISC */
/*
 * What a terminal is shown besides the answers: how to leave, and a prompt
 * before each line.  Without a dialogue nothing is shown, by the same calls.
 */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>

struct dialogue {
	bool is_held;     /* input and output are one user's terminal */
	bool is_greeted;  /* how to leave has been said */
	bool is_prompted; /* the prompt stands before the next line */
	bool is_midline;  /* the text has an unfinished line */
	char last_shown;  /* on the terminal */
};

void dialogue_start(struct dialogue *, bool is_held);

/* What to print before the next line is read; NULL: nothing. */
const char *dialogue_ask(struct dialogue *);

/* The user typed n bytes, at least one, which the terminal has shown. */
void dialogue_hear(struct dialogue *, const char *typed, size_t n);

/* Bytes were printed, of which this was the last. */
void dialogue_show(struct dialogue *, char last);

/* What to print so that what comes next has a line of its own; NULL: nothing.
 */
const char *dialogue_end(const struct dialogue *);

#endif
