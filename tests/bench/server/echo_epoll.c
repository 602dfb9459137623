/* SPDX-License-Identifier: ISC */
/*
 * The floor: epoll and nothing besides.  All connections share one buffer; a
 * message costs one recv and one send.  What the kernel does not take is kept,
 * and until it is sent nothing more is read.
 */
#include "config.h"

#include "bench/server/peer.h"

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <unistd.h>

enum { BUFFER = 512 * 1024, EVENTS = 256, CONNECTIONS_MOST = 1 << 17 };

struct pending {
	char *bytes; /* NULL when everything is sent */
	size_t sent;
	size_t n;
};

static struct pending pending[CONNECTIONS_MOST];
static char *buffer;
static size_t buffer_size;
static int ep;

static void
watch(int operation, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data = {.fd = fd}};
	if (epoll_ctl(ep, operation, fd, &event) != 0)
		err(EX_OSERR, "epoll_ctl");
}

static void
end(int fd)
{
	free(pending[fd].bytes);
	pending[fd] = (struct pending){0};
	(void)close(fd);
}

static void
accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= CONNECTIONS_MOST)
		(void)close(fd);
	else if (fd >= 0)
		watch(EPOLL_CTL_ADD, fd, EPOLLIN);
}

static void
keep(int fd, const char *bytes, size_t n)
{
	pending[fd] = (struct pending){.bytes = peer_memory(n), .n = n};
	memcpy(pending[fd].bytes, bytes, n);
	watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
}

/* How many bytes the kernel took; -1 when the connection is broken. */
static ssize_t
send_some(int fd, const char *bytes, size_t n)
{
	ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
	return sent < 0 && errno == EAGAIN ? 0 : sent;
}

static void
receive(int fd)
{
	ssize_t n = recv(fd, buffer, buffer_size, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	ssize_t sent = n <= 0 ? -1 : send_some(fd, buffer, (size_t)n);
	if (sent < 0)
		end(fd);
	else if (sent < n)
		keep(fd, buffer + sent, (size_t)(n - sent));
}

static void
send_pending(int fd)
{
	struct pending *p = &pending[fd];
	ssize_t sent = send_some(fd, p->bytes + p->sent, p->n - p->sent);
	if (sent < 0) {
		end(fd);
		return;
	}
	p->sent += (size_t)sent;
	if (p->sent == p->n) {
		free(p->bytes);
		p->bytes = NULL;
		watch(EPOLL_CTL_MOD, fd, EPOLLIN);
	}
}

int
main(int argc, char *argv[])
{
	struct arguments given = peer_arguments(argc, argv);
	struct epoll_event events[EVENTS];
	struct utsname system;
	buffer_size = given.buffer == 0 ? BUFFER : given.buffer;
	buffer = peer_memory(buffer_size);
	ep = epoll_create1(EPOLL_CLOEXEC);
	int listener = peer_listen(given.port);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN);
	if (uname(&system) != 0)
		err(EX_OSERR, "uname");
	/* What a distribution adds to the number is no matter. */
	system.release[strcspn(system.release, "-")] = '\0';
	peer_ready(system.sysname, system.release);
	for (;;) {
		int n = epoll_wait(ep, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			err(EX_OSERR, "epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == listener)
				accept_one(fd);
			else if (pending[fd].bytes != NULL)
				send_pending(fd);
			else
				receive(fd);
		}
	}
}
