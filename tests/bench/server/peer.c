/* SPDX-License-Identifier: ISC */
/* What the peers in C have in common. */
#include "config.h"

#include "bench/server/peer.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

enum { BACKLOG = 4096, PORT_MOST = 65535, BUFFER_MOST = 16 * 1024 * 1024 };

static long
number(const char *word, long most)
{
	char *end;
	long value = strtol(word, &end, 10);
	if (*end != '\0' || value < 1 || value > most)
		errx(EX_USAGE, "%s is not a number up to %ld", word, most);
	return value;
}

struct arguments
peer_arguments(int argc, char *argv[])
{
	if (argc != 2 && argc != 3)
		errx(EX_USAGE, "usage: %s PORT [BUFFER]", argv[0]);
	/* A client that has gone is an error of a call. */
	(void)signal(SIGPIPE, SIG_IGN);
	struct arguments given = {.port = (int)number(argv[1], PORT_MOST)};
	if (argc == 3)
		given.buffer = (size_t)number(argv[2], BUFFER_MOST);
	return given;
}

int
peer_listen(int port)
{
	const int on = 1;
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(fd, BACKLOG) != 0)
		err(EX_UNAVAILABLE, "port %d", port);
	return fd;
}

void
peer_ready(const char *library, const char *version)
{
	printf("ready %s %s\n", library, version);
	(void)fflush(stdout);
}

void *
peer_memory(size_t size)
{
	void *memory = malloc(size);
	if (memory == NULL)
		err(EX_OSERR, "memory");
	return memory;
}
