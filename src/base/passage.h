/* SPDX-License-Identifier: ISC */
/*
 * Descriptors on their way to another process, through a pair of Unix sockets
 * whose far end may be read at any later time, even after an exec or when the
 * sender is gone (unix(7), SCM_RIGHTS).  Their order is kept.
 *
 * The kernel bounds what waits in such a pair: by the buffer of the socket, at
 * some 70,000 descriptors, and for others than root by RLIMIT_NOFILE.
 */
#ifndef PASSAGE_H
#define PASSAGE_H

#include <stddef.h>

/* Makes a pair of ends: -1 with the errno of socketpair. */
int passage_open(int *near, int *far);

/*
 * Sends all of them; the sender keeps its own.  -1 with errno, and a part was
 * sent: EAGAIN or ETOOMANYREFS where there are more than the kernel lets wait.
 */
int passage_send(int near, const int *fds, size_t n);

/*
 * Receives all of them, close-on-exec and not inherited by anything, in the
 * places of fds.  -1 with errno when there are fewer, and then those that were
 * received are closed: EPIPE when no more were sent, EMFILE when this process
 * has no room for them.
 */
int passage_receive(int far, int *fds, size_t n);

#endif
