/* SPDX-License-Identifier: ISC */
/*
 * Connections on the fake kernel: the ground that the tests of connections
 * stand on.  The end of each test cuts what is still open, and then
 * holds the books against each other: memory, descriptors and counters.
 */
#ifndef CONN_FIXTURE_H
#define CONN_FIXTURE_H

#include "fake/kernel.h"
#include "server/conn_machine.h"
#include "server/conn_state.h"
#include "server/service.h"

#include <check.h>

/* The deadlines, in ms, all different. */
enum {
	IDLE_MS = 60000,
	STALL_MS = 3000,
	LINGER_MS = 500,
	QUIET_MS = 100,
	GREETING_MS = 700,
	LIMIT_CONNECTIONS = 16,
	LIMIT_BLOCKS = 32
};

/* Less than a block holds, and than the least recv gets. */
enum { ANSWER = 4000 };

extern struct shard shard;
extern struct loop *loop;

/* A test that wants other settings closes the connections and opens anew. */
extern struct settings settings;

/* How often a source has begun to be throttled. */
extern unsigned nthrottled;
extern size_t nblocks;
void fixture_open(void);
void fixture_close(void);

/* The same with that many blocks of pending output. */
void fixture_reopen(size_t blocks);

/*
 * Has the log, from its usual level on, in a pipe of the real system, while the
 * server has the fake one; returns the end to read, which does not block.
 */
int fixture_read_log(void);

/* A test case whose tests have connections. */
TCase *fixture_case(Suite *, const char *name);

/* The service starts with a socket. */
void adopt(int fd);

/* The same with one that a listener for proxies accepted. */
void adopt_proxied(int fd);

/* One more connection. */
struct kernel_socket *serve(void);

/* The same from 192.0.2.1, a proxy. */
struct kernel_socket *serve_proxied(void);

/* One turn, and the release that follows it. */
void turn(void);

/* Turns until nothing is ready. */
void turn_all(void);

/* Moves the clock, then turns. */
void pass(unsigned ms);

/* The peer reads nothing, so the answer, of ANSWER bytes, takes a block. */
void fill_block(struct kernel_socket *);

/* The connection of an open socket. */
struct conn *conn_of(const struct kernel_socket *);

/* The peer sends a text, and the connection gets one turn. */
void send_text(struct kernel_socket *, const char *text);

/* The peer has sent FIN. */
void send_fin(struct kernel_socket *);

/* What the peer was sent since the start is the text. */
void expect_answer(const struct kernel_socket *, const char *text);

/* n bytes of small letters without a short period. */
const unsigned char *letters(size_t n);

/* What the peer was sent since the start are these letters, as capitals. */
void expect_capitals(const struct kernel_socket *, size_t n);

/* The socket was closed once, with or without a reset, for the cause. */
void expect_end(const struct kernel_socket *, bool was_reset, enum counter);

/* The value of a counter. */
size_t count(enum counter);

#endif
