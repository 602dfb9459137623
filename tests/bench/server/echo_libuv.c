/* SPDX-License-Identifier: ISC */
/*
 * libuv.  Without a size, as its guide has it: memory for each read, which is
 * given to a write.  With one, all connections share one buffer, what can be
 * sent at once is, and only the rest is copied.
 */
#include "config.h"

#include "bench/server/peer.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <uv.h>

enum { BACKLOG = 4096, OUTPUT_MOST = 1024 * 1024 };

struct output {
	uv_write_t request;
	uv_buf_t buffer;
};

static char *shared;
static size_t shared_size;

static void on_input(uv_stream_t *conn, ssize_t n, const uv_buf_t *got);

static void
provide(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	(void)handle;
	if (shared != NULL)
		*buffer = uv_buf_init(shared, (unsigned)shared_size);
	else
		*buffer =
		    uv_buf_init(peer_memory(suggested), (unsigned)suggested);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void
end(uv_stream_t *conn)
{
	if (uv_is_closing((uv_handle_t *)conn) == 0)
		uv_close((uv_handle_t *)conn, on_closed);
}

static void
on_shut(uv_shutdown_t *request, int status)
{
	(void)status;
	end(request->handle);
	free(request);
}

/* After the end of the input: what is pending is sent first. */
static void
finish(uv_stream_t *conn)
{
	if (uv_stream_get_write_queue_size(conn) == 0) {
		end(conn);
		return;
	}
	uv_shutdown_t *request = peer_memory(sizeof *request);
	if (uv_shutdown(request, conn, on_shut) != 0) {
		free(request);
		end(conn);
	}
}

static void
on_sent(uv_write_t *request, int status)
{
	struct output *output = request->data;
	uv_stream_t *conn = request->handle;
	free(output->buffer.base);
	free(output);
	if (status != 0)
		end(conn);
	else if (uv_is_active((uv_handle_t *)conn) == 0 &&
		 uv_is_readable(conn) &&
		 uv_stream_get_write_queue_size(conn) == 0)
		(void)uv_read_start(conn, provide, on_input);
}

/* Sends what lies in memory of its own, which is freed after that. */
static void
send_later(uv_stream_t *conn, char *bytes, size_t n)
{
	struct output *output = peer_memory(sizeof *output);
	output->request.data = output;
	output->buffer = uv_buf_init(bytes, (unsigned)n);
	if (uv_write(&output->request, conn, &output->buffer, 1, on_sent)) {
		free(bytes);
		free(output);
		end(conn);
	} else if (uv_stream_get_write_queue_size(conn) > OUTPUT_MOST) {
		(void)uv_read_stop(conn);
	}
}

static void
send_shared(uv_stream_t *conn, size_t n)
{
	uv_buf_t all = uv_buf_init(shared, (unsigned)n);
	int sent = uv_try_write(conn, &all, 1);
	if (sent < 0)
		sent = 0;
	if ((size_t)sent == n)
		return;
	size_t left = n - (size_t)sent;
	char *rest = peer_memory(left);
	memcpy(rest, shared + sent, left);
	send_later(conn, rest, left);
}

static void
on_input(uv_stream_t *conn, ssize_t n, const uv_buf_t *got)
{
	if (n > 0 && shared != NULL)
		send_shared(conn, (size_t)n);
	else if (n > 0)
		send_later(conn, got->base, (size_t)n);
	else if (shared == NULL)
		free(got->base);
	if (n == UV_EOF)
		finish(conn);
	else if (n < 0)
		end(conn);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	if (status < 0)
		return;
	uv_tcp_t *conn = peer_memory(sizeof *conn);
	(void)uv_tcp_init(listener->loop, conn);
	if (uv_accept(listener, (uv_stream_t *)conn) != 0) {
		end((uv_stream_t *)conn);
		return;
	}
	(void)uv_tcp_nodelay(conn, 1);
	(void)uv_read_start((uv_stream_t *)conn, provide, on_input);
}

int
main(int argc, char *argv[])
{
	struct arguments given = peer_arguments(argc, argv);
	uv_loop_t *loop = uv_default_loop();
	struct sockaddr_in address;
	uv_tcp_t listener;
	shared_size = given.buffer;
	shared = shared_size == 0 ? NULL : peer_memory(shared_size);
	if (uv_ip4_addr("127.0.0.1", given.port, &address) != 0 ||
	    uv_tcp_init(loop, &listener) != 0 ||
	    uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0) != 0 ||
	    uv_listen((uv_stream_t *)&listener, BACKLOG, on_connection) != 0)
		errx(EX_UNAVAILABLE, "libuv, port %d", given.port);
	peer_ready("libuv", uv_version_string());
	return uv_run(loop, UV_RUN_DEFAULT);
}
