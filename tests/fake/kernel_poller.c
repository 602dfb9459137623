/* SPDX-License-Identifier: ISC */
/* The fake kernel's side of poller.h. */
#include "config.h"

#include "fake/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "fake";

/* Each socket says by which poller it is polled. */
struct poller {
	const char *name;
};

static size_t nopen;

size_t
kernel_count_pollers(void)
{
	return nopen;
}

const char *
poller_backend(size_t i)
{
	return i == 0 ? name : NULL;
}

struct poller *
poller_open(const char *backend)
{
	if (backend != NULL && strcmp(backend, name) != 0) {
		errno = EINVAL;
		return NULL;
	}
	struct poller *poller = malloc(sizeof *poller);
	kernel_must(poller != NULL, "no memory", -1);
	poller->name = name;
	nopen++;
	return poller;
}

void
poller_close(struct poller *poller)
{
	nopen -= poller != NULL;
	free(poller);
}

const char *
poller_name(const struct poller *poller)
{
	return poller->name;
}

int
poller_set(struct poller *poller, int fd, enum poller_interest had,
    enum poller_interest wants, void *owner)
{
	struct kernel_socket *socket = kernel_find(fd);
	kernel_must(had == socket->wants, "has another interest", fd);
	kernel_must(had != wants, "is asked for what it wants", fd);
	if (kernel_enter(socket, KERNEL_WATCH) == -1)
		return -1;
	socket->poller = wants == POLLER_NOTHING ? NULL : poller;
	socket->wants = wants;
	socket->owner = owner;
	return 0;
}

void
poller_forget(struct poller *poller, int fd, enum poller_interest had)
{
	struct kernel_socket *socket = kernel_find(fd);
	kernel_must(had == socket->wants, "has another interest", fd);
	kernel_must(had == POLLER_NOTHING || socket->poller == poller,
	    "is polled by another", fd);
	socket->poller = NULL;
	socket->wants = POLLER_NOTHING;
	socket->forgotten = poller;
}

static bool
is_ready(const struct kernel_socket *socket)
{
	if (socket->untrue || socket->reset_by_peer)
		return true;
	if (socket->wants == POLLER_OUTPUT)
		return socket->out.end - socket->out.start < socket->room;
	return socket->in.start < socket->in.end || socket->peer_shut ||
	       !list_is_empty(&socket->queue);
}

bool
kernel_is_ready(const struct poller *poller)
{
	for (int fd = 0; fd <= kernel_highest(); fd++) {
		if (kernel_is_open(fd) && kernel_find(fd)->poller == poller &&
		    is_ready(kernel_find(fd)))
			return true;
	}
	return false;
}

/* The ready ones are reported in the order of their descriptors. */
static int
list_ready(struct poller *poller, void **ready, int nready)
{
	int n = 0;
	for (int fd = 0; fd <= kernel_highest() && n < nready; fd++) {
		if (!kernel_is_open(fd))
			continue;
		struct kernel_socket *socket = kernel_find(fd);
		kernel_must(socket->forgotten != poller, "was not closed", fd);
		if (socket->poller != poller)
			continue;
		bool reports = is_ready(socket) && !socket->unnoticed;
		socket->untrue = socket->unnoticed = false;
		if (reports)
			ready[n++] = socket->owner;
	}
	return n;
}

int
poller_wait(struct poller *poller, void **ready, int nready, int timeout_ms)
{
	kernel.timeout_ms = timeout_ms;
	if (kernel_enter(NULL, KERNEL_WAIT) == -1)
		return -1;
	if (kernel.hooks == NULL)
		return list_ready(poller, ready, nready);
	kernel.hooks->wait(poller, timeout_ms);
	return kernel.hooks->arrange(ready, list_ready(poller, ready, nready));
}
