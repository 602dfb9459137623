/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/filter.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static bool was_ignored;

void
filter_start(void)
{
	was_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
}

void
filter_end(void)
{
	sigset_t pipe_signal;
	if (was_ignored)
		return;
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigemptyset(&pipe_signal);
	(void)sigaddset(&pipe_signal, SIGPIPE);
	(void)sigprocmask(SIG_UNBLOCK, &pipe_signal, NULL);
	(void)raise(SIGPIPE);
}
