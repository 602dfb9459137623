/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "http/http_server.h"

#include "base/owner.h"
#include "base/sys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How much of what nobody asked for is read until the client is cut off. */
enum { DISCARDED_MOST = 65536 };

static const struct {
	int status;
	const char *reason;
} reasons[HTTP_NSTATUSES] = {
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {414, "URI Too Long"},
    {421, "Misdirected Request"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static void advance(struct http_client *);
static void expire(struct timer *);

int
http_server_status(size_t i)
{
	return reasons[i].status;
}

static size_t
index_of(int status)
{
	size_t i = 0;
	while (reasons[i].status != status)
		i++;
	return i;
}

size_t
http_server_memory(size_t room)
{
	return sizeof(struct http_server) + HTTP_CLIENTS_MAX * room;
}

int
http_server_open(struct http_server *server, struct loop *loop, size_t room,
    const struct http_server_owner *owner)
{
	memset(server, 0, sizeof *server);
	server->loop = loop;
	server->owner = *owner;
	server->room = room;
	server->bodies = calloc(HTTP_CLIENTS_MAX, room);
	if (server->bodies == NULL)
		return -1;
	for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
		struct http_client *client = &server->clients[i];
		client->server = server;
		client->body = server->bodies + i * room;
		timer_init(&client->timer);
	}
	timer_queue_init(
	    &server->times, loop_timers(loop), HTTP_TIME_MS, expire);
	timer_queue_init(
	    &server->lingers, loop_timers(loop), HTTP_LINGER_MS, expire);
	return 0;
}

bool
http_server_has_place(const struct http_server *server)
{
	return server->nclients < HTTP_CLIENTS_MAX;
}

static void
end(struct http_client *client)
{
	struct http_server *server = client->server;
	timer_disarm(&client->timer);
	loop_unwatch(server->loop, &client->watch);
	client->state = HTTP_ENDED;
	server->owner.ended(server->owner.arg);
}

/* For a client that has only a part of its answer, or none of it. */
static void
cut(struct http_client *client)
{
	if (client->nsent > 0)
		(void)sys_set_reset(client->watch.fd);
	end(client);
}

static void
wait_for(struct http_client *client, enum poller_interest wants)
{
	if (loop_watch(client->server->loop, &client->watch, wants) == -1)
		cut(client);
}

static void
write_head(struct http_client *client, const struct http_answer *answer)
{
	char date[32] = "";
	struct tm tm;
	time_t now = time(NULL);
	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(
		    date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	int n = snprintf(client->head, sizeof client->head,
	    "HTTP/1.1 %d %s\r\n"
	    "Date: %s\r\n"
	    "%s"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "Connection: close\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Content-Security-Policy: default-src 'none'; "
	    "frame-ancestors 'none'\r\n"
	    "Referrer-Policy: no-referrer\r\n\r\n",
	    answer->status, reasons[index_of(answer->status)].reason, date,
	    answer->status == 405 ? "Allow: GET, HEAD\r\n" : "", answer->type,
	    answer->length);
	client->nhead = (size_t)n;
}

/* Writes the whole answer where it stays until it is sent. */
static void
prepare(struct http_client *client, int status)
{
	struct http_server *server = client->server;
	struct http_answer answer = {
	    .status = status,
	    .type = "text/plain; charset=utf-8",
	    .body = client->body,
	    .room = server->room,
	};
	if (status == 200)
		server->owner.answer(
		    &client->request, &answer, server->owner.arg);
	size_t i = index_of(answer.status);
	if (answer.length == 0)
		answer.length = (size_t)snprintf(answer.body, answer.room,
		    "%d %s\n", answer.status, reasons[i].reason);
	write_head(client, &answer);
	client->nbody = client->request.is_head ? 0 : answer.length;
	server->nanswers[i]++;
	client->state = HTTP_SENDING;
}

/* True when all is sent; else there is room for no more, or the client ended.
 */
static bool
send_rest(struct http_client *client)
{
	while (client->nsent < client->nhead + client->nbody) {
		size_t in_head = client->nsent < client->nhead
				     ? client->nhead - client->nsent
				     : 0;
		size_t body = client->nsent + in_head - client->nhead;
		struct iovec pieces[] = {
		    {client->head + client->nhead - in_head, in_head},
		    {client->body + body, client->nbody - body},
		};
		size_t first = in_head == 0, n = client->nbody > body ? 2 : 1;
		ssize_t sent =
		    sys_sendv(client->watch.fd, pieces + first, n - first);
		if (sent == -1)
			return false;
		client->nsent += (size_t)sent;
	}
	return true;
}

static bool
is_transient(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK;
}

static void
send_answer(struct http_client *client)
{
	struct http_server *server = client->server;
	if (send_rest(client)) {
		(void)sys_shutdown(client->watch.fd);
		client->state = HTTP_LINGERING;
		timer_arm(
		    &server->lingers, &client->timer, loop_now(server->loop));
		wait_for(client, POLLER_INPUT);
	} else if (is_transient(errno)) {
		wait_for(client, POLLER_OUTPUT);
	} else {
		cut(client);
	}
}

static void
read_request(struct http_client *client)
{
	unsigned char bytes[1024];
	ssize_t n = sys_recv(client->watch.fd, bytes, sizeof bytes);
	if (n == -1 && is_transient(errno))
		return;
	if (n <= 0) {
		end(client);
		return;
	}
	int status = http_request_read(&client->request, bytes, (size_t)n);
	if (status == 0)
		return;
	prepare(client, status);
	send_answer(client);
}

static void
discard(struct http_client *client)
{
	unsigned char bytes[4096];
	ssize_t n = sys_recv(client->watch.fd, bytes, sizeof bytes);
	if (n == -1 && is_transient(errno))
		return;
	if (n > 0)
		client->ndiscarded += (size_t)n;
	if (n <= 0 || client->ndiscarded >= DISCARDED_MOST)
		end(client);
}

static void
advance(struct http_client *client)
{
	switch (client->state) {
	case HTTP_READING:
		read_request(client);
		break;
	case HTTP_SENDING:
		send_answer(client);
		break;
	case HTTP_LINGERING:
		discard(client);
		break;
	case HTTP_FREE:
	case HTTP_ENDED:
		break;
	}
}

static void
ready(struct watch *watch)
{
	advance(OWNER_OF(watch, struct http_client, watch));
}

static void
expire(struct timer *timer)
{
	struct http_client *client = OWNER_OF(timer, struct http_client, timer);
	if (client->state == HTTP_READING) {
		prepare(client, 408);
		timer_arm(&client->server->lingers, &client->timer,
		    loop_now(client->server->loop));
		send_answer(client);
	} else if (client->state == HTTP_SENDING) {
		cut(client);
	} else {
		end(client);
	}
}

void
http_server_start(struct http_server *server, int fd)
{
	struct http_client *client = server->clients;
	while (client->state != HTTP_FREE)
		client++;
	server->nclients++;
	client->nsent = client->ndiscarded = 0;
	client->state = HTTP_READING;
	http_request_init(&client->request);
	watch_init(&client->watch, fd, ready);
	timer_arm(&server->times, &client->timer, loop_now(server->loop));
	wait_for(client, POLLER_INPUT);
}

void
http_server_release(struct http_server *server)
{
	for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
		struct http_client *client = &server->clients[i];
		if (client->state != HTTP_ENDED)
			continue;
		(void)sys_close(client->watch.fd);
		client->state = HTTP_FREE;
		server->nclients--;
	}
}

void
http_server_end(struct http_server *server)
{
	for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
		struct http_client *client = &server->clients[i];
		if (client->state == HTTP_READING)
			read_request(client);
		if (client->state == HTTP_READING) {
			prepare(client, 503);
			send_answer(client);
		}
		if (client->state == HTTP_SENDING)
			cut(client);
		else if (client->state == HTTP_LINGERING)
			end(client);
	}
	http_server_release(server);
}

void
http_server_close(struct http_server *server)
{
	if (server->bodies == NULL)
		return;
	http_server_end(server);
	free(server->bodies);
	server->bodies = NULL;
}
