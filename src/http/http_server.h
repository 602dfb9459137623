/* SPDX-License-Identifier: ISC */
/*
 * A small server of HTTP/1.1 for a few clients at once, each of which gets one
 * answer.  It has memory for all of them from the start on, waits for none, and
 * gives each the same time, so no client can hold it up or make it grow.
 *
 * The socket is closed when the client has closed its end, or soon after the
 * answer: a socket that is closed with input unread would reset the connection
 * and could take the answer from the client.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/request.h"
#include "reactor/loop.h"
#include "reactor/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most clients at once. */
#define HTTP_CLIENTS_MAX 16

/* How long a client may take in all, in ms. */
#define HTTP_TIME_MS 10000

/* How long it may take to close its end after the answer, in ms. */
#define HTTP_LINGER_MS 2000

/* Room for the head of an answer. */
#define HTTP_ANSWER_HEAD_MAX 512

/* What a request is answered with. */
struct http_answer {
	int status;
	const char *type; /* of the content */
	char *body;       /* to be filled */
	size_t room, length;
};

enum http_client_state {
	HTTP_FREE,
	HTTP_READING,
	HTTP_SENDING,
	HTTP_LINGERING,
	HTTP_ENDED /* its socket is closed after the turn */
};

struct http_client {
	struct watch watch;
	struct timer timer;
	struct http_server *server;
	enum http_client_state state;
	struct http_request request;
	char head[HTTP_ANSWER_HEAD_MAX];
	size_t nhead, nbody, nsent;
	size_t ndiscarded;
	char *body; /* room for the longest one */
};

struct http_server_owner {
	/* Answers a GET or HEAD. */
	void (*answer)(
	    const struct http_request *, struct http_answer *, void *arg);
	/* Some clients have ended: http_server_release is to be called. */
	void (*ended)(void *arg);
	void *arg;
};

/* The statuses that an answer can have. */
#define HTTP_NSTATUSES 11

struct http_server {
	struct loop *loop;
	struct http_server_owner owner;
	size_t room; /* for the body of an answer */
	char *bodies;
	struct timer_queue times, lingers;
	size_t nclients;
	size_t nanswers[HTTP_NSTATUSES];
	struct http_client clients[HTTP_CLIENTS_MAX];
};

/* How much memory it takes with room for such bodies, in bytes. */
size_t http_server_memory(size_t room);

/* Opens a server without clients; -1 with ENOMEM. */
int http_server_open(struct http_server *, struct loop *, size_t room,
    const struct http_server_owner *);

/* Closes it with all its clients.  Not inside a turn of the loop. */
void http_server_close(struct http_server *);

/* True if there is a place for one more client. */
bool http_server_has_place(const struct http_server *);

/* Serves the client of that socket. */
void http_server_start(struct http_server *, int fd);

/* Closes the sockets of clients that have ended.  Not inside a turn. */
void http_server_release(struct http_server *);

/*
 * Answers each client that has not got its answer with 503, as far as the
 * system takes that at once, and ends all of them.  Not inside a turn.
 */
void http_server_end(struct http_server *);

/* The status in that place, and how many answers have had it. */
int http_server_status(size_t i);

#endif
