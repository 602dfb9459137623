/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/sandbox.h"

#include "base/log.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sysexits.h>
#include <unistd.h>

const char *const sandbox_mode_names[] = {
    [SANDBOX_OFF] = "off",
    [SANDBOX_TRY] = "try",
    [SANDBOX_REQUIRE] = "require",
    NULL,
};

int
sandbox_enter(enum sandbox_mode mode, const struct sandbox_needs *needs)
{
	if (mode == SANDBOX_OFF)
		return 0;
	return sandbox_apply(needs, mode == SANDBOX_REQUIRE);
}

void
sandbox_report(enum sandbox_mode mode, const struct sandbox_needs *needs)
{
	if (mode != SANDBOX_OFF)
		sandbox_report_applied(needs, mode == SANDBOX_REQUIRE);
	else if (sandbox_is_in_force())
		log_warnx("the sandbox of the last process stays in force; "
			  "restart upcased to be without it");
}

/* access(2) knows of accounts alone. */
void
sandbox_explain(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1)
		(void)close(fd);
	else if (errno == EACCES && sandbox_is_in_force() &&
		 access(path, R_OK) == 0)
		log_warnx("the sandbox allows only folders that were known at "
			  "the start; after a move, restart upcased");
}

int
sandbox_rehearse(enum sandbox_mode mode, const struct sandbox_needs *needs)
{
	int status;
	if (mode == SANDBOX_OFF)
		return 0;
	pid_t child = fork();
	if (child == 0)
		_exit(sandbox_enter(mode, needs));
	while (child != -1 && waitpid(child, &status, 0) == -1) {
		if (errno != EINTR)
			child = -1;
	}
	if (child == -1) {
		log_error("cannot try the sandbox in another process; the "
			  "limit of processes (ulimit -u) may be too low");
		return EX_OSERR;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR;
}
