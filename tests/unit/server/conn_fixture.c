/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "unit/server/conn_fixture.h"

#include "base/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More turns than any test needs: one that spins must end. */
enum { TURNS_MAX = 1000000 };

struct shard shard;
struct loop *loop;
struct settings settings;
size_t nblocks;
unsigned nthrottled;

static struct counters counters;
static size_t nserved;
static unsigned char *text;

static void
note_throttling(void *arg)
{
	(void)arg;
	nthrottled++;
}

void
fixture_open(void)
{
	kernel_boot();
	memset(&counters, 0, sizeof counters);
	nserved = 0;
	loop = loop_open(NULL);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(
	    shard_open(&shard, loop, &settings, &counters, LIMIT_CONNECTIONS,
		nblocks, conn_expired, conn_evict),
	    0);
	const struct siphash_key key = {{5, 6}};
	shard.sources = sources_open(&settings, LIMIT_CONNECTIONS, &key);
	ck_assert_ptr_nonnull(shard.sources);
	shard.throttles = note_throttling;
	nthrottled = 0;
}

/* Every connection that came is open or has ended for one reason. */
static void
expect_balance(size_t nopen)
{
	size_t sum = nopen;
	for (int cause = COUNTER_ENDED; cause <= COUNTER_FAILED; cause++)
		sum += count((enum counter)cause);
	ck_assert_uint_eq(sum, nserved);
}

void
fixture_close(void)
{
	size_t nopen = 0;
	for (size_t i = 0; i < shard.nfresh; i++)
		nopen += shard.slots[i].state != CONN_CLOSED;
	expect_balance(nopen);
	service_text.cut(&shard);
	ck_assert_uint_eq(shard_release(&shard), nopen);
	expect_balance(0);
	ck_assert_uint_eq(pool_room(&shard.pool), nblocks * POOL_BLOCK_OUTPUT);
	ck_assert_ptr_null(pool_costliest(&shard.pool, kernel.now));
	for (int i = 0; i < SHARD_NDEADLINES; i++)
		ck_assert(list_is_empty(&shard.deadlines[i].armed));
	sources_close(shard.sources);
	shard_close(&shard);
	loop_close(loop);
	ck_assert_uint_eq(kernel_halt(), 0);
	free(text);
	text = NULL;
}

void
fixture_reopen(size_t blocks)
{
	fixture_close();
	nblocks = blocks;
	fixture_open();
}

static void
set_up(void)
{
	settings = (struct settings){
	    .workers = 1,
	    .invalid = UPCASE_PASS,
	    .idle_ms = IDLE_MS,
	    .stall_ms = STALL_MS,
	    .linger_ms = LINGER_MS,
	    .quiet_ms = QUIET_MS,
	    .greeting_ms = GREETING_MS,
	};
	nblocks = LIMIT_BLOCKS;
	/* What peers cause is no news here. */
	log_open("test", LOG_LEVEL_ERROR);
	fixture_open();
}

int
fixture_read_log(void)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(ends[1]);
	log_open("test", LOG_LEVEL_INFO);
	return ends[0];
}

TCase *
fixture_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);
	tcase_add_checked_fixture(tcase, set_up, fixture_close);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static void
hand(int fd, bool is_proxied)
{
	struct handoff handoff = {
	    .fd = fd, .service = SERVICE_TEXT, .is_proxied = is_proxied};
	handoff.peer.ipv4 = (struct sockaddr_in){
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(0xc0000201),
	    .sin_port = htons((uint16_t)(KERNEL_PEER_PORT + fd)),
	};
	service_text.start(&shard, &handoff);
}

void
adopt(int fd)
{
	hand(fd, false);
}

void
adopt_proxied(int fd)
{
	hand(fd, true);
}

struct kernel_socket *
serve(void)
{
	struct kernel_socket *socket = kernel_connect();
	adopt(socket->fd);
	nserved++;
	return socket;
}

struct kernel_socket *
serve_proxied(void)
{
	struct kernel_socket *socket = kernel_connect();
	adopt_proxied(socket->fd);
	nserved++;
	return socket;
}

void
turn(void)
{
	ck_assert_int_eq(loop_turn(loop), 0);
	(void)shard_release(&shard);
}

void
turn_all(void)
{
	size_t moves = 0;
	for (int i = 0; i < TURNS_MAX; i++) {
		turn();
		size_t now =
		    kernel.calls[KERNEL_RECV] + kernel.calls[KERNEL_SEND];
		if (now == moves)
			return;
		moves = now;
	}
	ck_abort_msg("a connection spins");
}

void
pass(unsigned ms)
{
	kernel.now += ms;
	turn();
}

struct conn *
conn_of(const struct kernel_socket *socket)
{
	for (size_t i = 0; i < shard.nfresh; i++) {
		struct conn *conn = &shard.slots[i];
		if (conn->state != CONN_CLOSED && conn->watch.fd == socket->fd)
			return conn;
	}
	ck_abort_msg("the connection is not open");
}

void
fill_block(struct kernel_socket *socket)
{
	socket->room = 0;
	kernel_peer_sends(socket, letters(ANSWER), ANSWER);
	turn();
	ck_assert_int_eq(conn_of(socket)->state, CONN_SENDING);
}

void
send_text(struct kernel_socket *socket, const char *string)
{
	kernel_peer_sends(socket, string, strlen(string));
	turn();
}

void
send_fin(struct kernel_socket *socket)
{
	socket->peer_shut = true;
	turn();
}

void
expect_answer(const struct kernel_socket *socket, const char *string)
{
	ck_assert_uint_eq(socket->out.end, strlen(string));
	if (socket->out.end > 0)
		ck_assert_mem_eq(socket->out.bytes, string, socket->out.end);
}

/* The place in the alphabet: shifted every 251 bytes, a prime. */
static int
letter(size_t i)
{
	return (int)((i % 251 + i / 251) % 26);
}

const unsigned char *
letters(size_t n)
{
	text = realloc(text, n);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < n; i++)
		text[i] = (unsigned char)('a' + letter(i));
	return text;
}

void
expect_capitals(const struct kernel_socket *socket, size_t n)
{
	ck_assert_uint_eq(socket->out.end, n);
	for (size_t i = 0; i < n; i++) {
		if (socket->out.bytes[i] != 'A' + letter(i))
			ck_abort_msg("byte %zu of %zu is %#x", i, n,
			    socket->out.bytes[i]);
	}
}

void
expect_end(
    const struct kernel_socket *socket, bool was_reset, enum counter cause)
{
	ck_assert(socket->closed);
	ck_assert_uint_eq(socket->calls[KERNEL_CLOSE], 1);
	ck_assert_int_eq(socket->was_reset, was_reset);
	ck_assert_uint_eq(count(cause), 1);
}

size_t
count(enum counter counter)
{
	size_t totals[NCOUNTERS] = {0};
	counters_sum(&counters, totals);
	return totals[counter];
}
