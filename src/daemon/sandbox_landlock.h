/* SPDX-License-Identifier: ISC */
/*
 * Landlock, by which a process of Linux without any rights gives up files, TCP
 * connections and signals.
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* What is allowed: of a folder with all that is below it, or of a file. */
enum landlock_right {
	LANDLOCK_READ,
	LANDLOCK_EXECUTE, /* and read */
	LANDLOCK_WRITE    /* and read; a file */
};

struct landlock_rule {
	const char *path; /* what is missing there is left out */
	enum landlock_right right;
};

/* What a version of its interface (ABI) is the first to restrict. */
enum {
	LANDLOCK_FILES = 1,
	LANDLOCK_TCP = 4,
	LANDLOCK_SCOPES = 6 /* the last one that is used here */
};

/* The version that the kernel says it has, or -1 with errno. */
int landlock_version(void);

/*
 * Restricts this thread and those that it starts to the rules, to writing to
 * standard error as well, and to connections to one port.  The version tells
 * what is restricted.  A kernel that says it has a version may refuse it:
 * -1 with EINVAL.
 */
int landlock_restrict(int version, const struct landlock_rule *, size_t n,
    unsigned port, bool spares_abstract);

#endif
