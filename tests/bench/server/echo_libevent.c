/* SPDX-License-Identifier: ISC */
/* libevent: a bufferevent for each connection, whose input becomes output. */
#include "config.h"

#include "bench/server/peer.h"

#include <err.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <sysexits.h>

/* While this much output waits, no more input is read. */
enum { OUTPUT_MOST = 1024 * 1024 };

static size_t buffer_size;

static void
on_input(struct bufferevent *conn, void *arg)
{
	(void)arg;
	struct evbuffer *output = bufferevent_get_output(conn);
	(void)bufferevent_write_buffer(conn, bufferevent_get_input(conn));
	if (evbuffer_get_length(output) > OUTPUT_MOST)
		(void)bufferevent_disable(conn, EV_READ);
}

static void
on_sent(struct bufferevent *conn, void *arg)
{
	(void)arg;
	if ((bufferevent_get_enabled(conn) & EV_READ) == 0)
		(void)bufferevent_enable(conn, EV_READ);
}

static void
on_all_sent(struct bufferevent *conn, void *arg)
{
	(void)arg;
	bufferevent_free(conn);
}

static void
on_end(struct bufferevent *conn, short what, void *arg)
{
	struct evbuffer *output = bufferevent_get_output(conn);
	if ((what & BEV_EVENT_EOF) != 0 && evbuffer_get_length(output) > 0)
		bufferevent_setcb(conn, NULL, on_all_sent, on_end, arg);
	else
		bufferevent_free(conn);
}

static void
on_connection(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *arg)
{
	(void)address;
	(void)length;
	struct bufferevent *conn = bufferevent_socket_new(
	    evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
	if (conn == NULL)
		errx(EX_OSERR, "bufferevent_socket_new");
	if (buffer_size != 0) {
		(void)bufferevent_set_max_single_read(conn, buffer_size);
		(void)bufferevent_set_max_single_write(conn, buffer_size);
	}
	bufferevent_setcb(conn, on_input, on_sent, on_end, arg);
	(void)bufferevent_enable(conn, EV_READ | EV_WRITE);
}

int
main(int argc, char *argv[])
{
	struct arguments given = peer_arguments(argc, argv);
	struct event_base *base = event_base_new();
	buffer_size = given.buffer;
	/* Its accepted sockets inherit TCP_NODELAY. */
	if (base == NULL ||
	    evconnlistener_new(base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE,
		0, peer_listen(given.port)) == NULL)
		errx(EX_UNAVAILABLE, "libevent");
	peer_ready("libevent", event_get_version());
	(void)event_base_dispatch(base);
	return 0;
}
