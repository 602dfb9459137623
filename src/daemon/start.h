/* SPDX-License-Identifier: ISC */
/* How this process was started, so that it can be started again. */
#ifndef START_H
#define START_H

#include <stdbool.h>

struct start {
	char *program; /* an absolute name; NULL: it could not be found */
	char **arguments;
	char **environment; /* as it was then */
};

/*
 * Notes it; what it points to lives as long as the process.  To be called
 * before the directory changes, and with a stack of a usual size.  A name that
 * is relative, or was looked for in PATH, is made absolute, without following
 * links, since what stands there may be replaced.
 */
void start_note(struct start *, char **arguments);

/*
 * Adds the configuration file, by its absolute name, to the arguments: what
 * they say of it was relative.  -1 with ENOMEM.
 */
int start_add_config(struct start *, char *path);

/*
 * The environment as it was, with one more line, and without what a service
 * manager said of the descriptors of that time.  Without its notices, too, for
 * a process that the manager must not hear.  NULL with ENOMEM; to be freed.
 */
char **start_environment(const struct start *, const char *more, bool is_heard);

#endif
