/* SPDX-License-Identifier: ISC */
/*
 * The peers in C: servers that answer what they get, as such a server is
 * usually written, to compare the daemon with.  Each is called
 *
 *	NAME PORT [BUFFER]
 *
 * listens on 127.0.0.1 without Nagle's algorithm, and prints "ready" and what
 * it is made of.  With BUFFER, it moves that many bytes at once.
 */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>

struct arguments {
	int port;
	size_t buffer; /* 0 when it is not given */
};

/*
 * Reads the command line; ends the program when it makes no sense.  SIGPIPE is
 * ignored from then on.
 */
struct arguments peer_arguments(int argc, char *argv[]);

/* Returns a listening socket that does not block, nor do those it accepts. */
int peer_listen(int port);

/* Says that clients may come. */
void peer_ready(const char *library, const char *version);

/* malloc() that ends the program when there is none. */
void *peer_memory(size_t size);

#endif
