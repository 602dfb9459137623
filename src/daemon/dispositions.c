/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/dispositions.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* Past the last signal, those for applications included. */
#ifdef SIGRTMAX
#define SIGNALS_END (SIGRTMAX + 1)
#else
#define SIGNALS_END NSIG
#endif

static const int ends[] = {SIGTERM, SIGINT, SIGQUIT, 0};

/* What is printed into a pipe that nobody reads, or beyond a limit, ends. */
static const int of_output[] = {SIGPIPE, SIGXFSZ, 0};

/*
 * A crash must remain one.  A user who stops the program on a terminal means
 * it, as opposed to the terminal that stops it for what it logs (SIGTTOU).  The
 * last two do nothing by default.
 */
static const int defaults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS,
    SIGTRAP, SIGTSTP, SIGCHLD, SIGCONT, 0};

static bool
is_in(const int *list, int signo)
{
	while (*list != 0 && *list != signo)
		list++;
	return *list != 0;
}

/*
 * Handlers, which a tool that the program runs under may have set, stay, and so
 * do the signals that nobody can change.
 */
static void
replace(int signo, void (*from)(int), void (*to)(int))
{
	struct sigaction action;
	if (sigaction(signo, NULL, &action) == 0 && action.sa_handler == from)
		(void)signal(signo, to);
}

/*
 * One that comes during the start asks for what was not read yet, so it waits
 * until the server catches it.
 */
static void
hold_back(int how)
{
	sigset_t signals;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGHUP);
	(void)pthread_sigmask(how, &signals, NULL);
}

static bool is_held;

static void
ignore(void)
{
	for (int signo = 1; signo < SIGNALS_END; signo++) {
		if (!is_in(defaults, signo) && !is_in(ends, signo) &&
		    !is_in(of_output, signo))
			replace(signo, SIG_DFL, SIG_IGN);
	}
}

static void
unblock(void)
{
	sigset_t none;
	(void)sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &none, NULL);
}

void
dispositions_enter(bool holds)
{
	/* First, since it ends the program by default. */
	hold_back(SIG_BLOCK);
	is_held = holds;
	for (const int *signo = defaults; *signo != 0; signo++)
		replace(*signo, SIG_IGN, SIG_DFL);
	/* What is ignored does not wait behind the mask. */
	if (!holds)
		ignore();
}

/* Nobody is served yet. */
static void
end(int signo)
{
	(void)signo;
	_exit(0);
}

void
dispositions_settle(bool rehearses)
{
	for (const int *signo = of_output; *signo != 0; signo++)
		(void)signal(*signo, SIG_IGN);
	if (is_held)
		return;
	/* Whoever waits for a rehearsal takes status 0 for its success. */
	struct sigaction action = {.sa_handler = rehearses ? SIG_IGN : end};
	(void)sigfillset(&action.sa_mask);
	for (const int *signo = ends; *signo != 0; signo++)
		(void)sigaction(*signo, &action, NULL);
	/* Last, for what has been waiting behind the mask comes now. */
	hold_back(SIG_SETMASK);
}

void
dispositions_hold(void)
{
	sigset_t all;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	is_held = true;
}

void
dispositions_release(void)
{
	if (!is_held)
		return;
	is_held = false;
	ignore();
	unblock();
}
