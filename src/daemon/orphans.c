/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/orphans.h"

#include <sys/wait.h>

#include <stddef.h>

/* One that has ended and keeps its place for now, or 0. */
static pid_t
find_ended(void)
{
	/* Where none has, some systems leave this as it is. */
	siginfo_t ended = {.si_pid = 0};
	if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == -1)
		return 0;
	return ended.si_pid;
}

void
orphans_reap(pid_t spared)
{
	pid_t ended;
	while ((ended = find_ended()) != 0 && ended != spared)
		(void)waitpid(ended, NULL, WNOHANG);
}
