/* SPDX-License-Identifier: ISC */
/* The server with one worker: how a drain ends, on a kernel that fails. */
#include "config.h"

#include "base/log.h"
#include "fake/kernel.h"
#include "server/listener.h"
#include "server/server.h"
#include "unit/runner.h"

#include <netinet/in.h>

#include <errno.h>

/* No drain_ms: nothing but the end of all connections ends the drain. */
static const struct settings settings = {.workers = 1,
    .max_connections = 2,
    .source_connections = 9,
    .send_buffer = 1,
    .receive_buffer = 1};

static struct server *server;
static struct kernel_socket *listener;

static void
set_up(void)
{
	log_open("test", LOG_LEVEL_ERROR);
	kernel_boot();
	server = server_open(&settings);
	ck_assert_ptr_nonnull(server);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct listen_address wanted = {.transport = &transport_tcp,
	    .service = &service_text,
	    .address = (struct sockaddr *)&address,
	    .length = sizeof address};
	size_t refused;
	ck_assert_int_eq(server_bind(server, &wanted, 1, &refused), 0);
	listener = NULL;
	for (int fd = 0; fd < KERNEL_DESCRIPTORS; fd++) {
		if (kernel_is_open(fd) && kernel_find(fd)->is_listening)
			listener = kernel_find(fd);
	}
	ck_assert_ptr_nonnull(listener);
	ck_assert_int_eq(server_start(server), 0);
}

static void
tear_down(void)
{
	server_close(server);
	ck_assert_uint_eq(kernel_halt(), 0);
}

START_TEST(drain_ends_though_a_queued_connection_cannot_be_served)
{
	struct kernel_socket *client = kernel_queue(listener, 0);
	/* It comes after the wait of the turn in which the drain starts. */
	listener->unnoticed = true;
	/* The listener leaves the loop first. */
	kernel_fail(KERNEL_WATCH, 2, ENOMEM);
	/* Nothing would end a second wait; the one of this kernel returns. */
	server_drain(server);
	server_run(server);
	ck_assert(client->closed);
	ck_assert(client->was_reset);
	ck_assert_uint_eq(kernel.calls[KERNEL_WAIT], 1);
}
END_TEST

static int
enter(struct kernel_socket *socket, enum kernel_call call)
{
	(void)socket, (void)call;
	return 0;
}

static void
move(struct kernel_socket *socket, enum kernel_call call)
{
	(void)socket, (void)call;
}

/* A wait for which nothing is ready takes as long as it may, and ends. */
static void
wait_long(struct poller *poller, int timeout_ms)
{
	if (kernel_is_ready(poller))
		return;
	ck_assert_int_ge(timeout_ms, 0);
	kernel.now += (unsigned)timeout_ms;
}

static int
arrange(void **ready, int n)
{
	(void)ready;
	return n;
}

START_TEST(exchanged_settings_bound_the_drain_and_what_is_open_in_it)
{
	static const struct kernel_hooks hooks = {.enter = enter,
	    .moved = move,
	    .wait = wait_long,
	    .arrange = arrange};
	struct settings other = settings;
	size_t totals[NCOUNTERS];
	other.drain_ms = 70;
	other.quiet_ms = 50;
	struct kernel_socket *client = kernel_queue(listener, 0);
	kernel.hooks = &hooks;
	uint64_t start = kernel.now;
	/* What is not to be changed decides nothing either. */
	other.workers = 2;
	server_set(server, &other);
	ck_assert(server_follows(server));
	server_drain(server);
	server_run(server);
	/* It was quiet for 50 ms, and lingered until the drain was over. */
	ck_assert(client->shut && client->was_reset);
	ck_assert_uint_eq(kernel.now - start, 70);
	server_count(server, totals);
	ck_assert_uint_eq(totals[COUNTER_CUT], 1);
	kernel.hooks = NULL;
}
END_TEST

START_TEST(exchanged_settings_tune_what_listens)
{
	struct settings other = settings;
	other.idle_ms = 0;
	other.stall_ms = 5000;
	other.send_buffer = 77777;
	server_set(server, &other);
	ck_assert_int_eq(kernel_option(listener, SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_uint_eq(listener->user_timeout, 5000 + LISTENING_MARGIN_MS);
	ck_assert_int_eq(kernel_option(listener, SOL_SOCKET, SO_SNDBUF), 77777);
	other.idle_ms = 1000;
	other.stall_ms = 0;
	server_set(server, &other);
	ck_assert_int_eq(kernel_option(listener, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_uint_eq(listener->user_timeout, 0);
	server_drain(server);
	server_run(server);
}
END_TEST

/* Binds the loopback's ports from 1 to n, and no others. */
static int
listen_on(size_t n, size_t *refused)
{
	struct sockaddr_in addresses[8];
	struct listen_address wanted[8];
	for (size_t i = 0; i < n; i++) {
		addresses[i] = (struct sockaddr_in){.sin_family = AF_INET,
		    .sin_port = htons((uint16_t)(i + 1)),
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		wanted[i] = (struct listen_address){.transport = &transport_tcp,
		    .service = &service_text,
		    .address = (struct sockaddr *)&addresses[i],
		    .length = sizeof addresses[i]};
	}
	return server_bind(server, wanted, n, refused);
}

/* The same of a server that has been started. */
static int
change_to(size_t n, size_t *refused)
{
	if (listen_on(n, refused) == -1)
		return -1;
	return server_change(server);
}

/* How many connections are accepted, of as many as like. */
static size_t
fill(void)
{
	size_t totals[NCOUNTERS];
	struct kernel_socket *socket = NULL;
	for (int fd = 0; fd <= kernel_highest(); fd++) {
		if (kernel_is_open(fd) && kernel_find(fd)->is_listening)
			socket = kernel_find(fd);
	}
	for (int i = 0; i < 20; i++)
		(void)kernel_queue(socket, 0);
	server_drain(server);
	server_run(server);
	server_count(server, totals);
	ck_assert_uint_eq(totals[COUNTER_ACCEPT_FAILURES], 0);
	return totals[COUNTER_ACCEPTED];
}

static const struct kernel_hooks patient = {
    .enter = enter, .moved = move, .wait = wait_long, .arrange = arrange};

START_TEST(more_listeners_leave_descriptors_for_fewer_connections)
{
	static const struct settings automatic = {.workers = 1,
	    .source_connections = 100,
	    .drain_ms = 10,
	    .send_buffer = 1,
	    .receive_buffer = 1};
	for (size_t n = 1; n <= 3; n++) {
		server_close(server);
		ck_assert_uint_eq(kernel_halt(), 0);
		kernel_boot();
		kernel.descriptors = 12;
		server = server_open(&automatic);
		ck_assert_ptr_nonnull(server);
		size_t refused;
		ck_assert_int_eq(listen_on(1, &refused), 0);
		ck_assert_int_eq(server_start(server), 0);
		size_t before = kernel.descriptors;
		ck_assert_int_eq(change_to(n, &refused), 0);
		kernel.hooks = &patient;
		/* Two are the bell's, four are spare, and one is n. */
		ck_assert_uint_eq(fill(), before - 2 - 4 - n);
		kernel.hooks = NULL;
	}
}
END_TEST

START_TEST(listeners_for_which_connections_were_promised_are_refused)
{
	size_t refused = 99;
	server_close(server);
	ck_assert_uint_eq(kernel_halt(), 0);
	kernel_boot();
	/* Two for the bell, four spare, two connections, and two listeners. */
	kernel.descriptors = 10;
	server = server_open(&settings);
	ck_assert_ptr_nonnull(server);
	ck_assert_int_eq(listen_on(1, &refused), 0);
	ck_assert_int_eq(server_start(server), 0);
	ck_assert_int_eq(change_to(3, &refused), -1);
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_uint_eq(refused, 2);
	ck_assert_int_eq(change_to(2, &refused), 0);
	ck_assert_int_eq(change_to(3, &refused), -1);
	server_drain(server);
	server_run(server);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("server");
	TCase *drain = tcase_create("drain");
	suite_add_tcase(suite, drain);
	tcase_add_checked_fixture(drain, set_up, tear_down);
	tcase_add_test(
	    drain, drain_ends_though_a_queued_connection_cannot_be_served);
	tcase_add_test(
	    drain, exchanged_settings_bound_the_drain_and_what_is_open_in_it);
	tcase_add_test(drain, exchanged_settings_tune_what_listens);
	tcase_add_test(
	    drain, more_listeners_leave_descriptors_for_fewer_connections);
	tcase_add_test(
	    drain, listeners_for_which_connections_were_promised_are_refused);
	return suite;
}
