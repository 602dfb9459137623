/* SPDX-License-Identifier: ISC */
/*
 * Every call on sockets, pipes, descriptor limits and threads, and the clock.
 * The server makes none of these itself, so that a test can link a kernel of
 * its own in place of this module.
 *
 * All descriptors made here are non-blocking and close-on-exec.  A call that a
 * signal interrupts is made again, unless its comment says otherwise.  A call
 * that fails returns -1 with the errno of the system call of that name; nothing
 * is logged.
 */
#ifndef SYS_H
#define SYS_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC: jumps of the wall clock do not show. */
uint64_t sys_now(void);

/* The same clock in microseconds. */
uint64_t sys_now_us(void);

/* Sleeps for the given milliseconds, or less when a signal comes. */
void sys_sleep(unsigned ms);

/* A TCP socket of the family AF_INET or AF_INET6. */
int sys_socket(int family);

/* Sets an option whose value is an int. */
int sys_setsockopt(int fd, int level, int name, int value);

/* The value of such an option, or -1. */
int sys_getsockopt(int fd, int level, int name);

/*
 * Sets how long, in milliseconds, bytes may stay unacknowledged, or unsent for
 * lack of a window, before the kernel ends the connection, closed or not
 * (TCP_USER_TIMEOUT, RFC 5482).  0 is the system's own choice.  ENOPROTOOPT:
 * the system has no such option.
 */
int sys_set_user_timeout(int fd, unsigned ms);

/* True if such a time was set for the socket, or for its listener. */
bool sys_gives_up(int fd);

/*
 * Sets the congestion control of the socket, and of those that it accepts
 * (TCP_CONGESTION).  ENOENT: the system has none of that name; EPERM: it is
 * reserved for root; ENOPROTOOPT: the system offers no choice.
 */
int sys_set_congestion(int fd, const char *name);

/* Makes the account the owner of a socket, where the system knows owners. */
void sys_give(int fd, uid_t account);

int sys_bind(int fd, const struct sockaddr *, socklen_t);
int sys_listen(int fd, int backlog);
int sys_getsockname(int fd, struct sockaddr_storage *);
int sys_getpeername(int fd, struct sockaddr_storage *);

/* The next queued connection, and the address of its peer, if that is asked. */
int sys_accept(int fd, struct sockaddr_storage *peer);

/*
 * Lets no further client begin to connect to a listening socket, for good;
 * those that have begun can still be accepted.  One that is ignored tries again
 * a second later, by when another socket may listen.  Where the system cannot
 * do that, nothing happens.
 */
void sys_ignore_new(int fd);

/*
 * Starts to connect.  It usually fails with EINPROGRESS or EINTR, and goes on:
 * when the socket is writable, sys_socket_error tells the outcome.
 */
int sys_connect(int fd, const struct sockaddr *, socklen_t);

/* Returns the pending error of the socket, 0 for none, and clears it. */
int sys_socket_error(int fd);

/* At most n bytes; 0 is the peer's end of file. */
ssize_t sys_recv(int fd, void *, size_t n);

/* The same without taking them: they are received again. */
ssize_t sys_peek(int fd, void *, size_t n);

/* At most n bytes, and never a SIGPIPE. */
ssize_t sys_send(int fd, const void *, size_t n);

/* The same for what n pieces hold, in their order; n is at most IOV_MAX. */
ssize_t sys_sendv(int fd, struct iovec *pieces, size_t n);

/* Sends FIN after what was sent. */
int sys_shutdown(int fd);

/*
 * How many of the bytes sent the peer's system has not acknowledged: the kernel
 * holds them until then.  Some systems count FIN as one more.  0 where the
 * system does not tell.  A broken connection may keep its count.
 */
size_t sys_unacknowledged(int fd);

/*
 * Returns -1 with the connection's error if it is broken for good.  An error
 * that may pass, such as an unreachable network, does not count (RFC 1122,
 * section 4.2.3.9).
 */
int sys_check_connection(int fd);

/*
 * Makes the next close of the socket reset the connection and drop what the
 * kernel still holds for the peer (SO_LINGER with a time of 0).
 */
int sys_set_reset(int fd);

/*
 * Says whether only a part of an answer was sent so far.  While that is so,
 * every close resets the connection, that at the end of a killed process too,
 * so that the peer does not take the part for the whole.
 */
int sys_set_partial(int fd, bool partial);

/*
 * Never to be called again for the same number, even if it fails.  It leaves
 * errno as it was, for the caller to report what failed before.
 */
int sys_close(int fd);

/* Makes a pipe: ends[0] reads what was written to ends[1]. */
int sys_pipe(int ends[2]);
ssize_t sys_read(int fd, void *, size_t n);
ssize_t sys_write(int fd, const void *, size_t n);

/*
 * Gives the memory of the whole pages in these bytes back to the system.  What
 * they contain afterwards is undefined.  Where the system cannot do that,
 * nothing happens.
 */
void sys_give_back(void *, size_t n);

/* How many descriptors are open, and how many there may be at once. */
struct sys_descriptors {
	size_t open, limit;
};

/*
 * Closes all descriptors but the standard streams and the n that are spared,
 * which rise, and makes those close-on-exec.  To be called before any other is
 * opened.  A huge limit of descriptors does not make it slow.
 */
void sys_close_inherited(const int *spared, size_t n);

/*
 * Makes a descriptor that was not opened here non-blocking and close-on-exec.
 * EBADF: there is none of that number.
 */
int sys_adopt(int fd);

/*
 * Raises the limit of descriptors as far as the system lets us, and counts
 * those that are open.
 */
void sys_count_descriptors(struct sys_descriptors *);

/* Fills in n bytes, at most 256, that nobody can guess. */
int sys_entropy(void *bytes, size_t n);

/* Starts a thread, with all signals blocked. */
int sys_thread_start(pthread_t *, void *(*run)(void *), void *arg);

/* Waits until the thread has ended. */
void sys_thread_join(pthread_t);

#endif
