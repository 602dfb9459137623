/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/owner.h"
#include "fake/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any time in ms but 0, which could be right by accident. */
enum { BOOT_TIME = 1000000 };

struct kernel kernel;

static struct list all;
static struct kernel_socket *table[KERNEL_DESCRIPTORS];
static int highest; /* the highest descriptor since kernel_boot */
static struct {
	size_t nth; /* which of the next calls fails; 0: none */
	int error;
} failures[KERNEL_NCALLS];

void
kernel_must(bool holds, const char *what, int fd)
{
	if (holds)
		return;
	(void)fprintf(stderr, "fake kernel: descriptor %d: %s\n", fd, what);
	abort();
}

int
kernel_enter(struct kernel_socket *socket, enum kernel_call call)
{
	kernel.calls[call]++;
	if (socket != NULL)
		socket->calls[call]++;
	int error = 0;
	if (failures[call].nth != 0 && --failures[call].nth == 0)
		error = failures[call].error;
	if (kernel.hooks != NULL && error == 0)
		error = kernel.hooks->enter(socket, call);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

static struct kernel_socket *
make_socket(void)
{
	struct kernel_socket *socket = calloc(1, sizeof *socket);
	kernel_must(socket != NULL, "no memory", -1);
	socket->fd = -1;
	socket->room = KERNEL_ROOM;
	socket->recv_most = socket->send_most = SIZE_MAX;
	list_init(&socket->queue);
	list_init(&socket->queued);
	list_append(&all, &socket->link);
	return socket;
}

int
kernel_give_descriptor(struct kernel_socket *socket)
{
	int fd = 0;
	while ((size_t)fd < kernel.descriptors && table[fd] != NULL)
		fd++;
	if ((size_t)fd == kernel.descriptors) {
		errno = EMFILE;
		return -1;
	}
	table[fd] = socket;
	if (highest < fd)
		highest = fd;
	return socket->fd = fd;
}

int
kernel_highest(void)
{
	return highest;
}

void
kernel_append(struct kernel_stream *stream, const void *bytes, size_t n)
{
	if (stream->size - stream->end < n) {
		stream->size = 2 * stream->size + n;
		stream->bytes = realloc(stream->bytes, stream->size);
		kernel_must(stream->bytes != NULL, "no memory", -1);
	}
	memcpy(stream->bytes + stream->end, bytes, n);
	stream->end += n;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void
kernel_boot(void)
{
	kernel = (struct kernel){
	    .now = BOOT_TIME,
	    .descriptors = KERNEL_DESCRIPTORS,
	};
	highest = -1;
	memset(failures, 0, sizeof failures);
	memset(table, 0, sizeof table);
	list_init(&all);
}

size_t
kernel_halt(void)
{
	size_t nopen = kernel_count_pollers();
	struct list *link;
	while ((link = list_first(&all)) != NULL) {
		struct kernel_socket *socket =
		    OWNER_OF(link, struct kernel_socket, link);
		nopen += socket->fd != -1 && !socket->closed;
		list_remove(link);
		free(socket->in.bytes);
		free(socket->out.bytes);
		free(socket);
	}
	return nopen;
}

void
kernel_fail(enum kernel_call call, size_t nth, int error)
{
	failures[call].nth = nth;
	failures[call].error = error;
}

struct kernel_socket *
kernel_find(int fd)
{
	kernel_must(fd >= 0 && fd < KERNEL_DESCRIPTORS && table[fd] != NULL,
	    "is not open", fd);
	return table[fd];
}

bool
kernel_is_open(int fd)
{
	return table[fd] != NULL;
}

void
kernel_take_descriptor(struct kernel_socket *socket)
{
	table[socket->fd] = NULL;
	socket->closed = true;
}

struct kernel_socket *
kernel_connect(void)
{
	struct kernel_socket *socket = make_socket();
	return kernel_give_descriptor(socket) == -1 ? NULL : socket;
}

struct kernel_socket *
kernel_queue(struct kernel_socket *listener, int error)
{
	struct kernel_socket *socket = make_socket();
	socket->accept_error = error;
	list_append(&listener->queue, &socket->queued);
	return socket;
}

void
kernel_peer_sends(struct kernel_socket *socket, const void *bytes, size_t n)
{
	kernel_must(!socket->peer_shut, "its peer sends after FIN", socket->fd);
	kernel_append(&socket->in, bytes, n);
}

void
kernel_peer_reads(struct kernel_socket *socket, size_t n)
{
	socket->out.start += least(n, socket->out.end - socket->out.start);
}

void
kernel_peer_resets(struct kernel_socket *socket)
{
	socket->reset_by_peer = true;
	socket->in.start = socket->in.end;
}

int
kernel_option(const struct kernel_socket *socket, int level, int name)
{
	for (size_t i = 0; i < socket->noptions; i++) {
		if (socket->options[i].level == level &&
		    socket->options[i].name == name)
			return socket->options[i].value;
	}
	return -1;
}
