/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "reactor/signals.h"

#include "reactor/bell.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* Standard signals are below this number on every system we know. */
enum { SIGNOS = 32 };

static struct bell bell;
static const int *caught_signos;
static void (*caught)(int signo, void *arg);
static void *caught_arg;

_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_BOOL_LOCK_FREE == 2,
    "a signal handler must not take the lock of an atomic");

/* How often each signal came, and how often it was passed to the callback. */
static atomic_uint counts[SIGNOS];
static unsigned passed[SIGNOS];

static void
count_signal(int signo)
{
	int saved = errno;
	atomic_fetch_add(&counts[signo], 1);
	bell_ring(&bell);
	errno = saved;
}

static void
pass_on(struct bell *self)
{
	(void)self;
	for (const int *signo = caught_signos; *signo != 0; signo++) {
		unsigned count = atomic_load(&counts[*signo]);
		for (; passed[*signo] != count; passed[*signo]++)
			caught(*signo, caught_arg);
	}
}

static void
set_handlers(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	(void)sigfillset(&action.sa_mask);
	sigset_t signals;
	(void)sigemptyset(&signals);
	for (const int *signo = caught_signos; *signo != 0; signo++) {
		(void)sigaction(*signo, &action, NULL);
		(void)sigaddset(&signals, *signo);
	}
	/* They may have been blocked by whoever started the program. */
	(void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

int
signals_open(struct loop *loop, const int *signos,
    void (*callback)(int signo, void *arg), void *arg)
{
	if (bell_open(&bell, loop, pass_on) == -1)
		return -1;
	caught_signos = signos;
	caught = callback;
	caught_arg = arg;
	set_handlers(count_signal);
	return 0;
}

void
signals_return(void)
{
	for (const int *signo = caught_signos; *signo != 0; signo++) {
		unsigned count = atomic_load(&counts[*signo]);
		if (passed[*signo] != count)
			(void)kill(getpid(), *signo);
		passed[*signo] = count;
	}
}

void
signals_close(struct loop *loop)
{
	set_handlers(SIG_IGN);
	bell_close(&bell, loop);
}
