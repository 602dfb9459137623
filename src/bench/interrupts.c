/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/interrupts.h"

#include <signal.h>
#include <stddef.h>

static const int endings[] = {SIGHUP, SIGINT, SIGTERM};

static volatile sig_atomic_t count;
static volatile sig_atomic_t last;

static void
note(int signo)
{
	last = signo;
	if (count < 2)
		count++;
}

static void
catch_them(int flags)
{
	struct sigaction action = {.sa_handler = note, .sa_flags = flags};
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		struct sigaction before;
		if (sigaction(endings[i], NULL, &before) == 0 &&
		    before.sa_handler != SIG_IGN)
			(void)sigaction(endings[i], &action, NULL);
	}
}

void
interrupts_await(void)
{
	/* Without SA_RESTART. */
	catch_them(0);
}

void
interrupts_ignore(void)
{
	catch_them(SA_RESTART);
}

int
interrupts_count(void)
{
	return count;
}

int
interrupts_last(void)
{
	return last;
}
