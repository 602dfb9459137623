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

/* What both buffers of the socket hold, in bytes, when set to these sizes. */
static size_t
measure(int fd, int send, int receive)
{
	/* Without a socket to ask: Linux doubles the sizes, others do not. */
	if (fd == -1)
		return 2 * ((size_t)send + (size_t)receive);
	(void)transport_set_buffer(fd, SO_SNDBUF, send);
	(void)transport_set_buffer(fd, SO_RCVBUF, receive);
	int sending = sys_getsockopt(fd, SOL_SOCKET, SO_SNDBUF);
	int receiving = sys_getsockopt(fd, SOL_SOCKET, SO_RCVBUF);
	return (sending == -1 ? (size_t)send : (size_t)sending) +
	       (receiving == -1 ? (size_t)receive : (size_t)receiving);
}

void
kernel_buffers_measure(
    const struct settings *settings, struct kernel_buffers_held *held)
{
	int fd = sys_socket(AF_INET);
	if (fd == -1)
		fd = sys_socket(AF_INET6);
	held->small =
	    measure(fd, settings->send_buffer, settings->receive_buffer);
	held->large =
	    measure(fd, settings->large_buffer, settings->large_buffer);
	if (fd != -1)
		(void)sys_close(fd);
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
	(void)transport_set_buffer(fd, SO_RCVBUF, settings->receive_buffer);
}

/* If the system refuses, the sizes stay as they were, which does no harm. */
static void
set(const struct conn *conn, int send, int receive)
{
	(void)transport_set_buffer(conn->watch.fd, SO_SNDBUF, send);
	(void)transport_set_buffer(conn->watch.fd, SO_RCVBUF, receive);
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
	int large = settings->large_buffer;
	const struct conn *before = buffers->large[place].conn;
	if (before != NULL)
		set(before, settings->send_buffer, settings->receive_buffer);
	buffers->large[place].conn = conn;
	buffers->large[place].used = now;
	set(conn, large, large);
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
		set(conn, settings->send_buffer, settings->receive_buffer);
	}
}
