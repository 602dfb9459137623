/* SPDX-License-Identifier: ISC */
/* libev: a watcher for each connection, and one buffer for all of them. */
#include "config.h"

#include "bench/server/peer.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 16 * 1024, VERSION_MOST = 32 };

struct conn {
	ev_io io;
	char *bytes; /* what is not sent yet; NULL when there is nothing */
	size_t sent;
	size_t n;
};

static char *buffer;
static size_t buffer_size;

static void
end(struct ev_loop *loop, struct conn *conn)
{
	ev_io_stop(loop, &conn->io);
	(void)close(conn->io.fd);
	free(conn->bytes);
	free(conn);
}

static void
watch(struct ev_loop *loop, struct conn *conn, int events)
{
	ev_io_stop(loop, &conn->io);
	ev_io_set(&conn->io, conn->io.fd, events);
	ev_io_start(loop, &conn->io);
}

/* How many bytes the kernel took; -1 when the connection is broken. */
static ssize_t
send_some(int fd, const char *bytes, size_t n)
{
	ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
	return sent < 0 && errno == EAGAIN ? 0 : sent;
}

static void
receive(struct ev_loop *loop, struct conn *conn)
{
	ssize_t n = recv(conn->io.fd, buffer, buffer_size, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	ssize_t sent = n <= 0 ? -1 : send_some(conn->io.fd, buffer, (size_t)n);
	if (sent < 0) {
		end(loop, conn);
	} else if (sent < n) {
		conn->sent = 0;
		conn->n = (size_t)(n - sent);
		conn->bytes = peer_memory(conn->n);
		memcpy(conn->bytes, buffer + sent, conn->n);
		watch(loop, conn, EV_WRITE);
	}
}

static void
send_pending(struct ev_loop *loop, struct conn *conn)
{
	ssize_t sent = send_some(
	    conn->io.fd, conn->bytes + conn->sent, conn->n - conn->sent);
	if (sent < 0) {
		end(loop, conn);
		return;
	}
	conn->sent += (size_t)sent;
	if (conn->sent == conn->n) {
		free(conn->bytes);
		conn->bytes = NULL;
		watch(loop, conn, EV_READ);
	}
}

static void
on_ready(struct ev_loop *loop, ev_io *io, int events)
{
	if (events & EV_WRITE)
		send_pending(loop, io->data);
	else
		receive(loop, io->data);
}

static void
on_connection(struct ev_loop *loop, ev_io *listener, int events)
{
	(void)events;
	int fd =
	    accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct conn *conn = peer_memory(sizeof *conn);
	conn->bytes = NULL;
	ev_io_init(&conn->io, on_ready, fd, EV_READ);
	conn->io.data = conn;
	ev_io_start(loop, &conn->io);
}

int
main(int argc, char *argv[])
{
	struct arguments given = peer_arguments(argc, argv);
	char version[VERSION_MOST];
	ev_io listener;
	struct ev_loop *loop = ev_default_loop(0);
	buffer_size = given.buffer == 0 ? BUFFER : given.buffer;
	buffer = peer_memory(buffer_size);
	ev_io_init(&listener, on_connection, peer_listen(given.port), EV_READ);
	ev_io_start(loop, &listener);
	(void)snprintf(version, sizeof version, "%d.%d", ev_version_major(),
	    ev_version_minor());
	peer_ready("libev", version);
	ev_run(loop, 0);
	return 0;
}
