/* SPDX-License-Identifier: ISC */
/*
 * Listeners on the fake kernel, and an owner that keeps what they accept and
 * closes it at the end of each test.
 */
#ifndef LISTENER_FIXTURE_H
#define LISTENER_FIXTURE_H

#include "fake/kernel.h"
#include "server/listening.h"
#include "server/service.h"

#include <check.h>

extern const struct settings settings;
extern struct loop *loop;
extern struct listeners listeners;
extern struct counters counters;

/* How many connections the owner has got, and how many it takes at most. */
extern int naccepted, nallowed;

/* A test case whose tests have listeners, none of them bound. */
TCase *fixture_case(Suite *, const char *name);

/* Binds one more, of the family, to a port of the loopback; 0 or -1. */
int bind_any(int family);

/* The length of the queues. */
enum { BACKLOG = 300 };

/* Two listeners that listen, an IPv4 and an IPv6 one. */
void listen_twice(void);

/* The socket of a listener, in the order in which they were bound. */
struct kernel_socket *socket_of(size_t);
extern size_t nbound;

/* One turn of the loop, which must not fail, and what follows it. */
void turn(void);

#endif
