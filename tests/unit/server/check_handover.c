/* SPDX-License-Identifier: ISC */
/* The hand-over: order, the end of the ring, and two threads. */
#include "config.h"

#include "server/handover.h"
#include "unit/runner.h"

#include <pthread.h>
#include <sched.h>

enum { SIZE = 7 };

static struct handover handover;
static bool has_peers;

/* What a socket is for goes with it. */
static uint8_t
service_of(int fd)
{
	return (uint8_t)(fd % 3);
}

static void
put(int fd)
{
	struct handoff handoff = {.fd = fd, .service = service_of(fd)};
	handoff.peer.ipv6.sin6_scope_id = (uint32_t)fd;
	handover_put(&handover, &handoff);
}

/* The next descriptor, or -1. */
static int
take(void)
{
	struct handoff handoff;
	if (!handover_take(&handover, &handoff))
		return -1;
	ck_assert_uint_eq(handoff.service, service_of(handoff.fd));
	if (has_peers)
		ck_assert_int_eq(
		    (int)handoff.peer.ipv6.sin6_scope_id, handoff.fd);
	return handoff.fd;
}

static void
set_up(void)
{
	ck_assert_int_eq(handover_open(&handover, SIZE, has_peers), 0);
}

static void
set_up_with_peers(void)
{
	has_peers = true;
	set_up();
}

static void
tear_down(void)
{
	ck_assert_int_eq(take(), -1);
	handover_close(&handover);
}

START_TEST(empty_gives_nothing)
{
	ck_assert_int_eq(take(), -1);
}
END_TEST

START_TEST(order_is_kept_when_the_ring_is_full_and_over_its_end)
{
	int nput = 0, ntaken = 0;
	/* Every fill, from each place of the ring. */
	for (int fill = 1; fill <= SIZE; fill++) {
		for (int round = 0; round < 2 * SIZE; round++) {
			for (int i = 0; i < fill; i++)
				put(nput++);
			for (int i = 0; i < fill; i++)
				ck_assert_int_eq(take(), ntaken++);
			ck_assert_int_eq(take(), -1);
			/* Round the ring even where it divides the fill. */
			put(nput++);
			ck_assert_int_eq(take(), ntaken++);
		}
	}
}
END_TEST

START_TEST(descriptor_0_is_a_socket_like_any_other)
{
	put(0);
	ck_assert_int_eq(take(), 0);
}
END_TEST

/*
 * How many go through a ring of how many places.  Where the threads share one
 * processor with others, it is handed on once for each time the ring is full.
 */
static const struct {
	size_t nplaces;
	int n;
} crowds[] = {{SIZE, 1000}, {1000, 200000}};

struct taking {
	int n, nwrong;
};

static void *
take_many(void *arg)
{
	runner_begin_thread();
	struct taking *taking = arg;
	for (int i = 0; i < taking->n; i++) {
		int fd;
		while ((fd = take()) == -1)
			(void)sched_yield();
		taking->nwrong += fd != i;
	}
	return NULL;
}

START_TEST(two_threads_lose_nothing_and_keep_the_order)
{
	pthread_t reader;
	size_t nplaces = crowds[_i].nplaces;
	struct taking taking = {.n = crowds[_i].n};
	handover_close(&handover);
	ck_assert_int_eq(handover_open(&handover, nplaces, has_peers), 0);
	ck_assert_int_eq(pthread_create(&reader, NULL, take_many, &taking), 0);
	for (int i = 0; i < taking.n; i++) {
		/* The limit of connections does this in the server. */
		while (atomic_load(&handover.nput) -
			   atomic_load(&handover.ntaken) ==
		       nplaces)
			(void)sched_yield();
		put(i);
	}
	ck_assert_int_eq(pthread_join(reader, NULL), 0);
	ck_assert_int_eq(taking.nwrong, 0);
}
END_TEST

static void
add(Suite *suite, const char *name, void (*set)(void))
{
	TCase *tcase = tcase_create(name);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set, tear_down);
	tcase_add_test(tcase, empty_gives_nothing);
	tcase_add_test(
	    tcase, order_is_kept_when_the_ring_is_full_and_over_its_end);
	tcase_add_test(tcase, descriptor_0_is_a_socket_like_any_other);
	tcase_add_loop_test(tcase, two_threads_lose_nothing_and_keep_the_order,
	    0, LENGTH(crowds));
}

Suite *
suite(void)
{
	Suite *suite = suite_create("handover");
	add(suite, "sockets alone", set_up);
	add(suite, "with the addresses of peers", set_up_with_peers);
	return suite;
}
