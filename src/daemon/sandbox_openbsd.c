/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/sandbox.h"

#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/*
 * Serving: stdio, inet; names in a reload: dns, rpath; the service manager and
 * the log: unix; a program that is executed anew: proc, exec, and descriptors
 * that are passed to it.  What is executed has no promises to keep: it makes
 * them itself.
 */
static const char promises[] =
    "stdio rpath inet dns unix proc exec sendfd recvfd";

static const struct {
	const char *path, *permissions;
} of_system[] = {
    {"/etc", "r"},
    {"/usr", "rx"},
    {"/dev/null", "rw"},
    {"/dev/tty", "rw"},
};

/* What is not there needs no permission. */
static int
show(const char *path, const char *permissions)
{
	return unveil(path, permissions) == 0 || errno == ENOENT ||
		       errno == ENOTDIR
		   ? 0
		   : -1;
}

/* The folder of a file, since a file may be replaced by another. */
static int
show_folder(const char *file, const char *permissions)
{
	if (file == NULL)
		return 0;
	char *folder = strdup(file);
	char *end = folder == NULL ? NULL : strrchr(folder, '/');
	int result = -1;
	if (end != NULL) {
		end[end == folder ? 1 : 0] = '\0';
		result = show(folder, permissions);
	}
	int saved = errno;
	free(folder);
	errno = saved;
	return result;
}

bool
sandbox_is_in_force(void)
{
	return false;
}

static bool is_complete;

int
sandbox_apply(const struct sandbox_needs *needs, bool is_required)
{
	int result = 0;
	for (size_t i = 0; i < sizeof of_system / sizeof of_system[0]; i++)
		if (show(of_system[i].path, of_system[i].permissions) == -1)
			result = -1;
	is_complete = result == 0 && show_folder(needs->config, "r") == 0 &&
		      show_folder(needs->program, "rx") == 0 &&
		      pledge(promises, NULL) == 0;
	if (is_complete)
		return 0;
	if (is_required)
		log_error("--sandbox require: cannot give up what serving does "
			  "not need (unveil, pledge); use try or off");
	else
		log_warn("the sandbox is incomplete (unveil, pledge); "
			 "--sandbox off leaves this line out");
	return is_required ? EX_NOPERM : 0;
}

void
sandbox_report_applied(const struct sandbox_needs *needs, bool is_required)
{
	(void)needs, (void)is_required;
	if (is_complete)
		log_info("sandbox: no file can be written, few can be read "
			 "(unveil), and only this is promised: %s",
		    promises);
}
