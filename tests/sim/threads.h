/* SPDX-License-Identifier: ISC */
/*
 * The threads of the simulated server.  Only one of them runs at a time, on a
 * stack of its own, until it waits, or gives way inside a system call; which
 * one goes on is drawn.  So every order of their system calls can occur, and
 * the seed brings it back.
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

/* The thread that starts the server, and its workers. */
enum { THREADS_MAX = 4 };

/* Makes the first thread, which is then ready to run. */
void threads_begin(void (*run)(void));

/*
 * Lets a thread run that can, and returns false when none can: all wait for
 * something, or have ended.  With a chance of so many in a thousand one that
 * waits is woken all the same.
 */
bool threads_step(unsigned wakes);

/* True when the first thread has ended. */
bool threads_ended(void);

/* The rest is called by the threads themselves. */

/* When the present turn of the running thread began, in ms. */
uint64_t threads_turn(void);

/* For the hook of a wait, whether it then fails or not. */
void threads_begin_turn(void);

/* Lets another thread run. */
void threads_give_way(void);

/* For the hooks of the kernel. */
void threads_wait(struct poller *, int timeout_ms);
int threads_start(pthread_t *, void *(*run)(void *), void *arg);
void threads_join(pthread_t);

#endif
