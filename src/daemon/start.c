/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/start.h"

#include "daemon/heir.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

/* NOLINTNEXTLINE(readability-redundant-declaration): not on all systems. */
extern char **environ;

/* The name in the directory where it is now, or NULL; not a part of it. */
static char *
make_absolute(const char *name)
{
	char directory[PATH_MAX], path[2 * PATH_MAX];
	if (name[0] == '/')
		return strdup(name);
	if (getcwd(directory, sizeof directory) == NULL)
		return NULL;
	int length = snprintf(path, sizeof path, "%s/%s", directory, name);
	return length < (int)sizeof path ? strdup(path) : NULL;
}

/* The first program of that name in the folders of PATH, or NULL. */
static char *
find_in_path(const char *name)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	const char *folder = getenv("PATH");
	char path[2 * PATH_MAX];
	while (folder != NULL) {
		size_t length = strcspn(folder, ":");
		/* An empty one is this directory. */
		if (length < PATH_MAX &&
		    snprintf(path, sizeof path, "%.*s%s%s", (int)length, folder,
			length > 0 ? "/" : "", name) < (int)sizeof path &&
		    access(path, X_OK) == 0)
			return make_absolute(path);
		folder = folder[length] == ':' ? folder + length + 1 : NULL;
	}
	return NULL;
}

void
start_note(struct start *start, char **arguments)
{
	size_t n = 0;
	const char *name = arguments[0] == NULL ? "" : arguments[0];
	start->arguments = arguments;
	start->program = strchr(name, '/') != NULL ? make_absolute(name)
						   : find_in_path(name);
	/* The next process cannot look where this one has. */
	if (start->program != NULL)
		arguments[0] = start->program;
	while (environ[n] != NULL)
		n++;
	/* What is taken out of the environment later stays in this list. */
	start->environment = calloc(n + 1, sizeof *environ);
	if (start->environment != NULL)
		memcpy(start->environment, environ, n * sizeof *environ);
	else
		start->program = NULL;
}

int
start_add_config(struct start *start, char *path)
{
	static char option[] = "--config";
	size_t n = 0;
	while (start->arguments[n] != NULL)
		n++;
	char **arguments = calloc(n + 3, sizeof *arguments);
	if (arguments == NULL)
		return -1;
	memcpy(arguments, start->arguments, n * sizeof *arguments);
	/* The last one counts; behind two dashes there would be no options. */
	if (n > 1 && strcmp(arguments[n - 1], "--") == 0)
		n--;
	arguments[n] = option;
	arguments[n + 1] = path;
	start->arguments = arguments;
	return 0;
}

static bool
is_variable(const char *line, const char *const *names)
{
	for (; *names != NULL; names++) {
		size_t length = strlen(*names);
		if (strncmp(line, *names, length) == 0 && line[length] == '=')
			return true;
	}
	return false;
}

char **
start_environment(const struct start *start, const char *more, bool is_heard)
{
	static const char *const of_that_time[] = {"LISTEN_PID", "LISTEN_FDS",
	    "LISTEN_FDNAMES", "LISTEN_PIDFDID", HEIR_VARIABLE, NULL};
	static const char *const of_manager[] = {
	    "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", NULL};
	size_t n = 0;
	while (start->environment[n] != NULL)
		n++;
	char **lines = calloc(n + 2, sizeof *lines);
	if (lines == NULL)
		return NULL;
	char **end = lines;
	for (size_t i = 0; i < n; i++) {
		char *line = start->environment[i];
		if (!is_variable(line, of_that_time) &&
		    (is_heard || !is_variable(line, of_manager)))
			*end++ = line;
	}
	/* exec takes lines that it does not change, but not as const. */
	memcpy(end, &more, sizeof *end);
	return lines;
}
