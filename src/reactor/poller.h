/* SPDX-License-Identifier: ISC */
/*
 * The poller: which descriptors are ready.  One interface over epoll(7),
 * kqueue(2) and poll(2), level-triggered on all of them.
 *
 * A descriptor is wanted for input, or for output, or for nothing; never for
 * both, since a connection that has output pending reads nothing.  Readiness
 * therefore needs no direction: an event means "try what you wanted".  Errors
 * and hang-ups are events as well, and the next system call says why.  An
 * event may be spurious, so its owner has to expect EAGAIN.
 *
 * The poller knows no callbacks, no time and no policy, writes no log and
 * never ends the program.
 */
#ifndef POLLER_H
#define POLLER_H

#include "reactor/poller_interest.h"

#include <stddef.h>

struct poller;

/* The back ends compiled in, the best first; NULL behind the last. */
const char *poller_backend(size_t i);

/*
 * Opens the back end of that name, or the best one for NULL.  Returns NULL
 * with EINVAL for an unknown name, or with the errno of the system.
 */
struct poller *poller_open(const char *backend);
void poller_close(struct poller *);

const char *poller_name(const struct poller *);

/*
 * Changes what a descriptor is wanted for, at once.  The caller says what it
 * was wanted for before.  On failure the interest stays as it was: -1 with
 * errno.
 */
int poller_set(struct poller *, int fd, enum poller_interest had,
    enum poller_interest wants, void *owner);

/*
 * To be called before a descriptor is closed, which must follow before the next
 * wait.  One that may have a duplicate is set to POLLER_NOTHING instead.
 * (Where the kernel forgets a descriptor with its last duplicate, this does
 * nothing, which spares each connection a system call.)
 */
void poller_forget(struct poller *, int fd, enum poller_interest had);

/*
 * Waits until a descriptor is ready, at most timeout_ms milliseconds (-1: for
 * ever).  Stores the owners of those that are ready, at most nready or
 * POLLER_BATCH, and returns how many; later waits return the others.  A signal
 * ends the wait with 0.  Returns -1 with errno.
 */
int poller_wait(struct poller *, void **ready, int nready, int timeout_ms);

#endif
