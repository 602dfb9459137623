/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/threads.h"

#include "fake/kernel.h"
#include "sim/draw.h"

#include <stddef.h>
#include <string.h>
#include <ucontext.h>

/* Bytes: enough for the deepest call of the server, under a sanitizer too. */
enum { STACK = 256 * 1024 };

/* When a wait without a timeout ends. */
#define NEVER UINT64_MAX

enum progress { ABSENT, READY, WAITING, JOINING, ENDED };

static struct thread {
	enum progress progress;
	ucontext_t context;
	void (*main)(void);   /* of the first thread */
	void *(*run)(void *); /* of the others */
	void *arg;
	struct poller *poller; /* what it waits for */
	uint64_t due;          /* when its wait ends */
	size_t joined;         /* the index of the thread that it joins */
	uint64_t turn;         /* when its turn began, in ms */
} threads[THREADS_MAX];

static _Alignas(16) char stacks[THREADS_MAX][STACK];
static ucontext_t scheduler;
static struct thread *running;

/* Stops the running thread until the scheduler lets it go on. */
static void
leave(enum progress progress)
{
	struct thread *self = running;
	self->progress = progress;
	(void)swapcontext(&self->context, &scheduler);
	self->progress = READY;
}

static void
start(void)
{
	if (running->main != NULL)
		running->main();
	else
		(void)running->run(running->arg);
	running->progress = ENDED;
}

static struct thread *
find_absent(void)
{
	size_t i = 0;
	while (i < THREADS_MAX && threads[i].progress != ABSENT)
		i++;
	kernel_must(i < THREADS_MAX, "too many threads", -1);
	return &threads[i];
}

static struct thread *
make(void)
{
	struct thread *const thread = find_absent();
	*thread = (struct thread){.progress = READY, .turn = kernel.now};
	(void)getcontext(&thread->context);
	thread->context.uc_stack.ss_sp = stacks[thread - threads];
	thread->context.uc_stack.ss_size = STACK;
	thread->context.uc_link = &scheduler;
	makecontext(&thread->context, start, 0);
	return thread;
}

void
threads_begin(void (*run)(void))
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		threads[i].progress = ABSENT;
	make()->main = run;
}

static bool
can_run(const struct thread *thread)
{
	switch (thread->progress) {
	case READY:
		return true;
	case WAITING:
		return kernel.now >= thread->due ||
		       kernel_is_ready(thread->poller);
	case JOINING:
		return threads[thread->joined].progress == ENDED;
	case ABSENT:
	case ENDED:
		break;
	}
	return false;
}

bool
threads_step(unsigned wakes)
{
	struct thread *able[THREADS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < THREADS_MAX; i++) {
		struct thread *thread = &threads[i];
		if (can_run(thread) ||
		    (thread->progress == WAITING && draw_chance(wakes)))
			able[n++] = thread;
	}
	if (n == 0)
		return false;
	running = able[draw(n)];
	(void)swapcontext(&scheduler, &running->context);
	return true;
}

bool
threads_ended(void)
{
	return threads[0].progress == ENDED;
}

uint64_t
threads_turn(void)
{
	return running->turn;
}

uint64_t
threads_soonest(void)
{
	uint64_t soonest = kernel.now;
	for (size_t i = 0; i < THREADS_MAX; i++) {
		const struct thread *thread = &threads[i];
		if (thread->progress == READY && thread->turn < soonest)
			soonest = thread->turn;
	}
	return soonest;
}

bool
threads_is_first(void)
{
	return running == &threads[0];
}

void
threads_begin_turn(void)
{
	running->turn = kernel.now;
}

void
threads_give_way(void)
{
	leave(READY);
}

void
threads_wait(struct poller *poller, int timeout_ms)
{
	running->poller = poller;
	running->due =
	    timeout_ms < 0 ? NEVER : kernel.now + (unsigned)timeout_ms;
	leave(WAITING);
	running->turn = kernel.now;
}

int
threads_start(pthread_t *id, void *(*run)(void *), void *arg)
{
	struct thread *thread = make();
	thread->run = run;
	thread->arg = arg;
	/* A pthread_t may be of any type, so the index is copied into it. */
	size_t index = (size_t)(thread - threads);
	memset(id, 0, sizeof *id);
	memcpy(id, &index, sizeof index);
	return 0;
}

void
threads_join(pthread_t id)
{
	memcpy(&running->joined, &id, sizeof running->joined);
	while (threads[running->joined].progress != ENDED)
		leave(JOINING);
	threads_begin_turn();
	threads[running->joined].progress = ABSENT;
}
