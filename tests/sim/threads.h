/* SPDX-License-Identifier: ISC */
/*
 * The threads of the simulated server.  Only one of them runs at a time, on a
 * stack of its own, until it waits, or gives way inside a system call; which
 * one goes on is random.  So their system calls can occur in every order, and
 * the same seed gives the same order.
 *
 * What is not simulated is the order of their memory accesses: that is for the
 * model in tests/model and for ThreadSanitizer.
 */
#ifndef THREADS_H
#define THREADS_H

#include "reactor/poller.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* The most threads: the one that starts the server, and three workers. */
enum { THREADS_MAX = 4 };

/* Makes the first thread, which is then ready to run. */
void threads_begin(void (*run)(void));

/*
 * Lets one thread run that can; returns false when none can, since all wait for
 * something or have ended.  A thread that waits is woken for nothing with a
 * chance of wakes in a thousand.
 */
bool threads_step(unsigned wakes);

/* True when the first thread has ended. */
bool threads_ended(void);

/* The rest is called by the threads themselves. */

/* When the present turn of the running thread began, in ms. */
uint64_t threads_turn(void);

/* The turn that began first, of those that go on; now, if there is none. */
uint64_t threads_soonest(void);

/* True for the thread that was made first. */
bool threads_is_first(void);

/* The turn of the running thread begins now: called at each wait. */
void threads_begin_turn(void);

/* Lets another thread run. */
void threads_give_way(void);

/* For the hooks of the kernel. */
void threads_wait(struct poller *, int timeout_ms);
int threads_start(pthread_t *, void *(*run)(void *), void *arg);
void threads_join(pthread_t);

#endif
