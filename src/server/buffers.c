/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/buffers.h"

#include "base/sys.h"
#include "server/conn.h"

#include <errno.h>
#include <stdbool.h>

/* Who has moved no bulk for that long, in ms, has to make room for others. */
enum { UNUSED_MS = 1000 };

/* Less than that is not asked for. */
enum { SIZE_LEAST = 16384 };

int
buffers_set_size(int fd, int name, int size)
{
	while (sys_setsockopt(fd, SOL_SOCKET, name, size) == -1) {
		if (errno != ENOBUFS || size / 2 < SIZE_LEAST)
			return -1;
		size /= 2;
	}
	return 0;
}

/* Both buffers of a socket with these sizes. */
static size_t
measure(int fd, int send, int receive)
{
	/* Linux doubles what it is asked for, and others take it as it is. */
	if (fd == -1)
		return 2 * ((size_t)send + (size_t)receive);
	(void)buffers_set_size(fd, SO_SNDBUF, send);
	(void)buffers_set_size(fd, SO_RCVBUF, receive);
	int sending = sys_getsockopt(fd, SOL_SOCKET, SO_SNDBUF);
	int receiving = sys_getsockopt(fd, SOL_SOCKET, SO_RCVBUF);
	return (sending == -1 ? (size_t)send : (size_t)sending) +
	       (receiving == -1 ? (size_t)receive : (size_t)receiving);
}

void
buffers_measure(
    const struct server_settings *settings, struct buffers_held *held)
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
buffers_large(const struct server_settings *settings)
{
	size_t share = BUFFERS_LARGE_MAX / settings->workers;
	return share == 0 ? 1 : share;
}

void
buffers_init(struct buffers *buffers, const struct server_settings *settings)
{
	*buffers = (struct buffers){
	    .settings = settings,
	    .nlarge = buffers_large(settings),
	};
}

void
buffers_start(const struct buffers *buffers, int fd)
{
	/*
	 * The size of the other one is inherited from the listener.  There,
	 * this one would also decide how large the window can ever be: the
	 * scale of windows is agreed on in the handshake (RFC 7323).
	 */
	(void)buffers_set_size(
	    fd, SO_RCVBUF, buffers->settings->receive_buffer);
}

/* What the system refuses leaves the sizes as they were, which does no harm. */
static void
set(const struct conn *conn, int send, int receive)
{
	(void)buffers_set_size(conn->watch.fd, SO_SNDBUF, send);
	(void)buffers_set_size(conn->watch.fd, SO_RCVBUF, receive);
}

static void
shrink(const struct buffers *buffers, const struct conn *conn)
{
	set(conn, buffers->settings->send_buffer,
	    buffers->settings->receive_buffer);
}

/* The place that is free, or else of who has needed it least lately, or -1. */
static int
find_place(const struct buffers *buffers, uint64_t now)
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
buffers_note_bulk(struct buffers *buffers, struct conn *conn, uint64_t now)
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
	int large = buffers->settings->large_buffer;
	const struct conn *before = buffers->large[place].conn;
	if (before != NULL)
		shrink(buffers, before);
	buffers->large[place].conn = conn;
	buffers->large[place].used = now;
	set(conn, large, large);
}

void
buffers_release(struct buffers *buffers, const struct conn *conn)
{
	for (size_t i = 0; i < buffers->nlarge; i++) {
		if (buffers->large[i].conn == conn)
			buffers->large[i].conn = NULL;
	}
}
