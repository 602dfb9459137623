/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/kernel_buffers.h"

#include "base/sys.h"
#include "net/transport.h"
#include "server/conn.h"
#include "server/conn_state.h"

/*
 * A connection that has moved no bulk for this long, in ms, and has no output
 * pending, may lose its large buffers to another.  For a GB, 32 streams change
 * the sizes by 350 system calls, and by 27,000 if it may lose them at once.
 */
enum { UNUSED_MS = 1000 };

/* What every system gives as it is asked, to see what it makes of that. */
enum { ANY_SYSTEM_GIVES = 16384 };

/* Nor may a connection that moves bulk have less than the others. */
static int
large_size(const struct settings *settings, size_t small)
{
	return small > (size_t)settings->large_buffer ? (int)small
						      : settings->large_buffer;
}

/* What a buffer of the socket holds, in bytes, when set to this size. */
static size_t
measure(int fd, int name, int size)
{
	/* Without a socket to ask: Linux doubles the sizes, others do not. */
	if (fd == -1)
		return 2 * (size_t)size;
	(void)transport_set_buffer(fd, name, size);
	int held = sys_getsockopt(fd, SOL_SOCKET, name);
	return held == -1 ? (size_t)size : (size_t)held;
}

/* How much of this size the system gives, when it holds so much for it. */
static size_t
given(int fd, int name, size_t size, size_t held)
{
	size_t each = measure(fd, name, ANY_SYSTEM_GIVES) / ANY_SYSTEM_GIVES;
	size_t got = each == 0 ? size : held / each;
	return got < size ? got : size;
}

void
kernel_buffers_measure(
    const struct settings *settings, struct kernel_buffers_held *held)
{
	int fd = sys_socket(AF_INET);
	if (fd == -1)
		fd = sys_socket(AF_INET6);
	size_t send = measure(fd, SO_SNDBUF, (int)settings->send_buffer);
	size_t receive = measure(fd, SO_RCVBUF, (int)settings->receive_buffer);
	held->small = send + receive;
	held->send = given(fd, SO_SNDBUF, settings->send_buffer, send);
	held->receive = given(fd, SO_RCVBUF, settings->receive_buffer, receive);
	held->large = measure(fd, SO_SNDBUF,
			  large_size(settings, settings->send_buffer)) +
		      measure(fd, SO_RCVBUF,
			  large_size(settings, settings->receive_buffer));
	if (fd != -1)
		(void)sys_close(fd);
}

uint64_t
kernel_buffers_sum(const struct kernel_buffers_held *held, unsigned nworkers,
    size_t nconnections)
{
	size_t nlarge = kernel_buffers_large(nworkers) * nworkers;
	return (uint64_t)nconnections * held->small +
	       (uint64_t)nlarge * held->large;
}

size_t
kernel_buffers_large(unsigned nworkers)
{
	size_t share = KERNEL_BUFFERS_LARGE_MAX / nworkers;
	return share == 0 ? 1 : share;
}

void
kernel_buffers_start(const struct settings *settings, int fd)
{
	/*
	 * The send buffer is inherited from the listener.  The receive buffer
	 * is not set there, since it would bound the window for good: the scale
	 * of windows is agreed on in the handshake (RFC 7323).
	 */
	(void)transport_set_buffer(
	    fd, SO_RCVBUF, (int)settings->receive_buffer);
}

/* If the system refuses, the sizes stay as they were, which does no harm. */
static void
set(const struct conn *conn, int send, int receive)
{
	(void)transport_set_buffer(conn->watch.fd, SO_SNDBUF, send);
	(void)transport_set_buffer(conn->watch.fd, SO_RCVBUF, receive);
}

static void
set_small(const struct conn *conn, const struct settings *settings)
{
	set(conn, (int)settings->send_buffer, (int)settings->receive_buffer);
}

/* A free place, else the least recently used that may be taken, else -1. */
static int
find_place(const struct kernel_buffers *buffers, uint64_t now)
{
	int oldest = -1;
	for (size_t i = 0; i < buffers->nlarge; i++) {
		const struct conn *conn = buffers->large[i].conn;
		if (conn == NULL)
			return (int)i;
		if (conn->state != CONN_RECEIVING ||
		    now - buffers->large[i].used < UNUSED_MS)
			continue;
		if (oldest == -1 ||
		    buffers->large[i].used < buffers->large[oldest].used)
			oldest = (int)i;
	}
	return oldest;
}

void
kernel_buffers_note_bulk(struct kernel_buffers *buffers,
    const struct settings *settings, struct conn *conn, uint64_t now)
{
	for (size_t i = 0; i < buffers->nlarge; i++) {
		if (buffers->large[i].conn == conn) {
			buffers->large[i].used = now;
			return;
		}
	}
	int place = find_place(buffers, now);
	if (place == -1)
		return;
	const struct conn *before = buffers->large[place].conn;
	if (before != NULL)
		set_small(before, settings);
	buffers->large[place].conn = conn;
	buffers->large[place].used = now;
	set(conn, large_size(settings, settings->send_buffer),
	    large_size(settings, settings->receive_buffer));
}

void
kernel_buffers_release(struct kernel_buffers *buffers, const struct conn *conn)
{
	for (size_t i = 0; i < buffers->nlarge; i++) {
		if (buffers->large[i].conn == conn)
			buffers->large[i].conn = NULL;
	}
}

bool
kernel_buffers_has(
    const struct kernel_buffers *buffers, const struct conn *conn)
{
	size_t i = 0;
	while (i < buffers->nlarge && buffers->large[i].conn != conn)
		i++;
	return i < buffers->nlarge;
}

void
kernel_buffers_resume(struct kernel_buffers *buffers,
    const struct settings *settings, struct conn *conn, bool is_large,
    uint64_t now)
{
	size_t i = 0;
	if (!is_large)
		return;
	while (i < buffers->nlarge && buffers->large[i].conn != NULL)
		i++;
	if (i < buffers->nlarge) {
		buffers->large[i].conn = conn;
		buffers->large[i].used = now;
	} else {
		set_small(conn, settings);
	}
}
