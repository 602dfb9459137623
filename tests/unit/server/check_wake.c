/* SPDX-License-Identifier: ISC */
/*
 * Connections that end just when the server decides to wait for an end: the
 * real server with its threads, on the real system, but for pauses at the
 * places where the two could miss each other.  If the server missed an end,
 * nothing would ever wake it.
 */
#include "config.h"

#include "reactor/bell.h"
#include "unit/runner.h"

#include <stdatomic.h>

/* What worker.c adds to atomically is its count of ends. */
static void count_late(atomic_size_t *count, size_t n);
#undef atomic_fetch_add
#define atomic_fetch_add(object, n) count_late(object, n)
#include "server/worker.c"
#undef atomic_fetch_add

/* And what server.c stores so is its wish to be woken by one. */
static void store_late(atomic_bool *wanted, bool value);
#undef atomic_store
#define atomic_store(object, value) store_late(object, value)
#include "server/server.c"
#undef atomic_store

#include <netinet/in.h>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, ROUNDS = 50, CLIENTS = 4, ASKED = 100 };

static const struct settings settings = {
    .workers = 2,
    .max_connections = 1,
    .source_connections = 9,
    .quiet_ms = PATIENCE_MS,
    .send_buffer = 4096,
    .receive_buffer = 4096,
};

static struct server *server;
static struct bell bell;
static atomic_bool stops;
static pthread_t thread;
static struct sockaddr_storage address;

/* The client whose connection ends next, and how many have ended so. */
static atomic_int victim;
static atomic_int nended;

/* Its worker counts it when the server waits already; it has come so far. */
static atomic_bool counts_late, ends;

static void
store_late(atomic_bool *wanted, bool value)
{
	/* A server that still accepts has another look before it waits. */
	bool waits = server->listeners.paused || server->phase != SERVING;
	int fd = waits ? atomic_exchange(&victim, -1) : -1;
	if (fd != -1) {
		/* An older wish, as if an end had made use of it. */
		(void)atomic_exchange(wanted, false);
		(void)shutdown(fd, SHUT_WR);
		while (!atomic_load(&ends) && server_count_open(server) > 0)
			(void)poll(NULL, 0, 1);
		(void)atomic_exchange(&nended, atomic_load(&nended) + 1);
	}
	atomic_store_explicit(wanted, value, memory_order_seq_cst);
}

static void
count_late(atomic_size_t *count, size_t n)
{
	if (atomic_exchange(&counts_late, false)) {
		(void)atomic_exchange(&ends, true);
		while (!atomic_load(&server->wake.wanted))
			(void)poll(NULL, 0, 1);
		/* Now the server has its last look, and then waits. */
		(void)poll(NULL, 0, 2);
	}
	(void)atomic_fetch_add_explicit(count, n, memory_order_seq_cst);
}

static void
hear_test(struct bell *rung)
{
	ck_assert_ptr_eq(rung, &bell);
	if (atomic_load(&stops))
		server_drain(server);
}

/* What getsockname tells about the one socket that listens. */
static void
find_address(void)
{
	for (int fd = 0; fd < 256; fd++) {
		int listens = 0;
		socklen_t size = sizeof listens;
		if (getsockopt(
			fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
		    listens != 0) {
			ck_assert_int_eq(sys_getsockname(fd, &address), 0);
			return;
		}
	}
	ck_abort_msg("nothing listens");
}

static void
open_server(const struct settings *wanted)
{
	log_open("test", LOG_LEVEL_ERROR);
	atomic_init(&victim, -1);
	atomic_init(&nended, 0);
	atomic_init(&counts_late, false);
	atomic_init(&ends, false);
	atomic_init(&stops, false);
	server = server_open(wanted);
	ck_assert_ptr_nonnull(server);
	struct sockaddr_in any = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct listen_address wanted_address = {
	    .transport = &transport_tcp,
	    .service = &service_text,
	    .address = (struct sockaddr *)&any,
	    .length = sizeof any,
	};
	size_t refused;
	ck_assert_int_eq(server_bind(server, &wanted_address, 1, &refused), 0);
	find_address();
	ck_assert_int_eq(bell_open(&bell, server_loop(server), hear_test), 0);
	ck_assert_int_eq(server_start(server), 0);
}

static void
close_server(void)
{
	bell_close(&bell, server_loop(server));
	server_close(server);
}

static void *
run_server(void *arg)
{
	runner_begin_thread();
	server_run(server);
	return arg;
}

/* A server of which nothing but the end of a connection wakes the loop. */
static void
start_server(const struct settings *wanted)
{
	open_server(wanted);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_server, NULL), 0);
}

static void
stop_server(void)
{
	(void)atomic_exchange(&stops, true);
	bell_ring(&bell);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	close_server();
}

static int
open_client(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ne(fd, -1);
	return fd;
}

static void
join(int fd)
{
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address,
			     sizeof(struct sockaddr_in)),
	    0);
}

/* The next byte for the client, or 0 for the end. */
static char
receive(int fd)
{
	char byte = 0;
	struct pollfd entry = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&entry, 1, PATIENCE_MS), 1);
	ck_assert_int_ne(recv(fd, &byte, 1, 0), -1);
	return byte;
}

static void
ask(int fd)
{
	ck_assert_int_eq(send(fd, "a", 1, 0), 1);
	ck_assert_int_eq(receive(fd), 'A');
}

START_TEST(end_of_the_one_that_fills_the_server_lets_the_next_in)
{
	start_server(&settings);
	int client = open_client();
	join(client);
	ask(client);
	for (int i = 1; i <= ROUNDS; i++) {
		/*
		 * It ends when the server finds that it is full: when the next
		 * one comes, or at once if it does not listen any more.
		 */
		int next = open_client();
		atomic_exchange(&victim, client);
		bell_ring(&bell);
		join(next);
		ck_assert_int_eq(receive(client), 0);
		(void)close(client);
		ask(next);
		ck_assert_int_eq(atomic_load(&nended), i);
		client = next;
	}
	(void)close(client);
	stop_server();
}
END_TEST

/* Drains a server with one connection, which ends meanwhile. */
static void
drain_one(bool late)
{
	static const struct settings two = {
	    .workers = 2,
	    .max_connections = 2,
	    .source_connections = 9,
	    .quiet_ms = PATIENCE_MS,
	    .send_buffer = 4096,
	    .receive_buffer = 4096,
	};
	open_server(&two);
	int client = open_client();
	join(client);
	atomic_exchange(&victim, client);
	atomic_exchange(&counts_late, late);
	server_drain(server);
	server_run(server);
	ck_assert_int_eq(atomic_load(&nended), 1);
	ck_assert(atomic_load(&ends) == late);
	ck_assert_int_eq(receive(client), 0);
	(void)close(client);
	close_server();
}

START_TEST(end_of_the_last_connection_ends_the_drain)
{
	for (int i = 0; i < ROUNDS; i++)
		drain_one(false);
}
END_TEST

START_TEST(end_that_is_counted_when_the_server_waits_wakes_it)
{
	for (int i = 0; i < ROUNDS; i++)
		drain_one(true);
}
END_TEST

static void *
ask_often(void *arg)
{
	runner_begin_thread();
	for (int i = 0; i < ASKED; i++) {
		int client = open_client();
		join(client);
		ask(client);
		/* Some half-close and wait, and some are gone. */
		if (i % 2 == 0) {
			ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
			ck_assert_int_eq(receive(client), 0);
		}
		(void)close(client);
	}
	return arg;
}

START_TEST(crowd_before_a_server_for_one_is_served_to_the_last)
{
	pthread_t clients[CLIENTS];
	start_server(&settings);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(
		    pthread_create(&clients[i], NULL, ask_often, NULL), 0);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(pthread_join(clients[i], NULL), 0);
	stop_server();
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("wake");
	TCase *tcase = tcase_create("wake");
	suite_add_tcase(suite, tcase);
	tcase_add_test(
	    tcase, end_of_the_one_that_fills_the_server_lets_the_next_in);
	tcase_add_test(tcase, end_of_the_last_connection_ends_the_drain);
	tcase_add_test(
	    tcase, end_that_is_counted_when_the_server_waits_wakes_it);
	tcase_add_test(
	    tcase, crowd_before_a_server_for_one_is_served_to_the_last);
	return suite;
}
