/* SPDX-License-Identifier: ISC */
/*
 * Every call on sockets, pipes, descriptor limits and threads, and the clock.
 * The server makes none of the kind itself, so that a test can link a kernel of
 * its own in place of this module.
 *
 * All descriptors made here are non-blocking and close-on-exec.  A call that
 * a signal interrupts is made again.  Failures are -1 with the errno of the
 * system call of the same name; nothing is logged.
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
 * How long, in milliseconds, sent bytes may stay unacknowledged or unwanted
 * by the peer before the kernel ends the connection, also when it has been
 * closed (TCP_USER_TIMEOUT, RFC 5482); 0 is the system's own choice.
 * ENOPROTOOPT: the system has no such option.
 */
int sys_set_user_timeout(int fd, unsigned ms);

/* True if such a time was set, for the socket or that which accepted it. */
bool sys_gives_up(int fd);

/*
 * Names the congestion control of the socket, and of those that it accepts
 * (TCP_CONGESTION).  ENOENT: the system has none of that name; EPERM: it is
 * not for us; ENOPROTOOPT: the system lets nobody choose.
 */
int sys_set_congestion(int fd, const char *name);

int sys_bind(int fd, const struct sockaddr *, socklen_t);
int sys_listen(int fd, int backlog);
int sys_getsockname(int fd, struct sockaddr_storage *);
int sys_getpeername(int fd, struct sockaddr_storage *);

/* The next queued connection. */
int sys_accept(int fd);

/*
 * Starts to connect.  EINPROGRESS is the usual outcome: when the socket is
 * writable, sys_socket_error tells how it went on.  So does EINTR here.
 */
int sys_connect(int fd, const struct sockaddr *, socklen_t);

/* Returns the pending error of the socket, 0 for none, and clears it. */
int sys_socket_error(int fd);

/* At most n bytes; 0 is the peer's end of file. */
ssize_t sys_recv(int fd, void *, size_t n);

/* At most n bytes, and never a SIGPIPE. */
ssize_t sys_send(int fd, const void *, size_t n);

/* The same for what n pieces hold, in their order; n is at most IOV_MAX. */
ssize_t sys_sendv(int fd, struct iovec *pieces, size_t n);

/* Sends FIN after what was sent. */
int sys_shutdown(int fd);

/*
 * How many bytes of what was sent the peer's system has not acknowledged, which
 * the kernel holds until then; some systems count FIN as one more.  0 as well
 * where the system does not tell.  One that is broken may keep its count.
 */
size_t sys_unacknowledged(int fd);

/*
 * -1 with the errno of the connection if that is broken for good; an error that
 * may pass, as an unreachable network, is none (RFC 1122, section 4.2.3.9).
 */
int sys_check_connection(int fd);

/*
 * Makes the close that follows a reset, which drops what the kernel still
 * holds for the peer (SO_LINGER with a time of 0).
 */
int sys_set_reset(int fd);

/*
 * Says whether what was sent is a part of something.  While it is, the close
 * that comes with the end of the process is such a reset too: whatever ends it,
 * the peer does not take the part for the whole.
 */
int sys_set_partial(int fd, bool partial);

/*
 * Never to be called again for the same number, whatever it returns.  It leaves
 * errno as it was: what failed before is what there is to tell.
 */
int sys_close(int fd);

/* A pipe: ends[0] reads what was written to ends[1]. */
int sys_pipe(int ends[2]);
ssize_t sys_read(int fd, void *, size_t n);
ssize_t sys_write(int fd, const void *, size_t n);

/*
 * Gives the memory of the whole pages in these bytes back to the system, which
 * makes them anew, of zeros, when they are used again.  Where the system cannot
 * do that, nothing happens.
 */
void sys_give_back(void *, size_t n);

/* How many descriptors are open, and how many there may be at once. */
struct sys_descriptors {
	size_t open, limit;
};

/*
 * Closes all descriptors but the standard streams.  To be called before any
 * other is opened, and takes no longer where their limit is huge.
 */
void sys_close_inherited(void);

/*
 * Raises the limit of descriptors as far as the system lets us, and counts
 * those that are open.
 */
void sys_count_descriptors(struct sys_descriptors *);

/* Starts a thread, with all signals blocked. */
int sys_thread_start(pthread_t *, void *(*run)(void *), void *arg);

/* Waits until the thread has ended. */
void sys_thread_join(pthread_t);

#endif
