/* SPDX-License-Identifier: ISC */
/* A socket that is waited for in both directions, over each back end. */
#include "config.h"

#include "base/sys.h"
#include "bench/duplex.h"
#include "unit/runner.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <unistd.h>

enum { BRIEF_MS = 50, LONG_MS = 60000 };

static struct loop *loop;
static struct duplex duplex;
static int peer, ninput, nroom;

static void
readable(struct watch *watch)
{
	(void)watch;
	ninput++;
}

static void
writable(struct watch *watch)
{
	(void)watch;
	nroom++;
}

static void
prepare(int backend)
{
	int ends[2];
	ninput = nroom = 0;
	loop = loop_open(poller_backend((size_t)backend));
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	peer = ends[1];
	duplex_init(&duplex, readable, writable);
	duplex_open(&duplex, ends[0]);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
}

static void
finish(void)
{
	(void)close(peer);
	loop_close(loop);
}

static void
want(enum poller_interest reader, enum poller_interest writer)
{
	ck_assert_int_eq(duplex_want(&duplex, loop, reader, writer), 0);
}

START_TEST(input_and_room_are_waited_for_at_once)
{
	prepare(_i);
	want(POLLER_INPUT, POLLER_OUTPUT);
	ck_assert_int_eq(loop_turn_within(loop, LONG_MS), 0);
	ck_assert_int_eq(ninput, 0);
	ck_assert_int_eq(nroom, 1);
	/* Without room there is still input. */
	static const char bytes[4096];
	while (sys_send(duplex.reader.fd, bytes, sizeof bytes) > 0)
		;
	ck_assert_int_eq(write(peer, "a", 1), 1);
	ck_assert_int_eq(loop_turn_within(loop, LONG_MS), 0);
	ck_assert_int_eq(ninput, 1);
	ck_assert_int_eq(nroom, 1);
	duplex_close(&duplex, loop);
	finish();
}
END_TEST

START_TEST(who_only_reads_has_one_descriptor)
{
	prepare(_i);
	want(POLLER_INPUT, POLLER_NOTHING);
	ck_assert_int_eq(duplex.writer.fd, -1);
	duplex_close(&duplex, loop);
	finish();
}
END_TEST

START_TEST(what_is_closed_is_silent_though_a_duplicate_is_open)
{
	prepare(_i);
	want(POLLER_INPUT, POLLER_OUTPUT);
	int copy = dup(duplex.reader.fd);
	ck_assert_int_ne(copy, -1);
	ck_assert_int_eq(write(peer, "a", 1), 1);
	duplex_close(&duplex, loop);
	duplex_close(&duplex, loop);
	uint64_t start = sys_now();
	ck_assert_int_eq(loop_turn_within(loop, BRIEF_MS), 0);
	ck_assert_uint_ge(sys_now() - start, BRIEF_MS);
	(void)close(copy);
	finish();
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("duplex");
	TCase *both = tcase_create("both");
	int n = 0;
	while (poller_backend((size_t)n) != NULL)
		n++;
	tcase_add_loop_test(both, input_and_room_are_waited_for_at_once, 0, n);
	tcase_add_loop_test(both, who_only_reads_has_one_descriptor, 0, n);
	tcase_add_loop_test(
	    both, what_is_closed_is_silent_though_a_duplicate_is_open, 0, n);
	suite_add_tcase(suite, both);
	return suite;
}
