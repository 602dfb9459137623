/* SPDX-License-Identifier: ISC */
/*
 * What the process gives up for good once it serves, so that whoever takes it
 * over by an error gets little.  Each system has its own means, in a file of
 * its own: sandbox_linux.c, sandbox_openbsd.c, sandbox_freebsd.c; elsewhere
 * there are none.  The log says what was given up, and what could not be.
 *
 * Where a sandbox is inherited by the program that a hand-over executes, it is
 * not laid on a second time if it is the same.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

/* In the order of the names. */
enum sandbox_mode { SANDBOX_OFF, SANDBOX_TRY, SANDBOX_REQUIRE };

/* Their names, by their numbers, and NULL. */
extern const char *const sandbox_mode_names[];

/* What has to be possible afterwards, beside serving, signals and the log. */
struct sandbox_needs {
	const char *config;  /* the file that a reload reads; NULL: none */
	const char *program; /* what a hand-over executes; NULL: nothing */
	/* The next process connects to a Unix socket with an abstract name. */
	bool connects_abstract;
};

/*
 * Gives up all but that.  To be called when the account is the one that
 * serves, after addresses are bound, and before there are threads.  What cannot
 * be given up is logged.  Returns 0, or an exit status of sysexits(3) if that
 * is the end of the start.
 */
int sandbox_enter(enum sandbox_mode, const struct sandbox_needs *);

/* Logs what was given up, once the start has succeeded. */
void sandbox_report(enum sandbox_mode, const struct sandbox_needs *);

/* The same in a child that ends, so nothing is given up here. */
int sandbox_rehearse(enum sandbox_mode, const struct sandbox_needs *);

/*
 * True inside a sandbox of ours that goes on over exec, also in a process that
 * was executed there.
 */
bool sandbox_is_in_force(void);

/*
 * Says so in the log if it is the sandbox that keeps this process from a file,
 * as the errors of the system do not.
 */
void sandbox_explain(const char *path);

/*
 * What a system's file defines beside sandbox_is_in_force: gives up what it
 * can, and logs what it cannot, which if it was required gives an exit status.
 * Then logs the rest.
 */
int sandbox_apply(const struct sandbox_needs *, bool is_required);
void sandbox_report_applied(const struct sandbox_needs *, bool is_required);

#endif
