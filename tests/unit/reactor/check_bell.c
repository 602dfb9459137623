/* SPDX-License-Identifier: ISC */
/* The bell when its pipe takes nothing, and when there is none to be had. */
#include "config.h"

#include "base/sys.h"
#include "reactor/bell.h"
#include "unit/reactor/loop_fixture.h"
#include "unit/runner.h"

#include <sys/resource.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct bell bell;
static int nheard;

static void
hear(struct bell *self)
{
	ck_assert_ptr_eq(self, &bell);
	nheard++;
}

static void
open_bell(int i)
{
	open_loop(i);
	nheard = 0;
	ck_assert_int_eq(bell_open(&bell, loop, hear), 0);
}

static void
close_bell(void)
{
	bell_close(&bell, loop);
	loop_close(loop);
}

START_TEST(a_ring_that_could_not_be_written_is_tried_again_by_the_next)
{
	open_bell(_i);
	/* As if somebody else wrote to the pipe: there is no room for a byte.
	 */
	while (sys_write(bell.ringing_end, "a", 1) == 1)
		continue;
	bell_ring(&bell);
	char bytes[4096];
	while (sys_read(bell.watch.fd, bytes, sizeof bytes) > 0)
		continue;
	bell_ring(&bell);
	ck_assert_int_eq(sys_read(bell.watch.fd, bytes, sizeof bytes), 1);
	close_bell();
}
END_TEST

START_TEST(a_ring_that_fails_for_good_is_tried_each_time)
{
	open_bell(_i);
	int end = bell.ringing_end;
	bell.ringing_end = -1;
	bell_ring(&bell);
	bell_ring(&bell);
	bell.ringing_end = end;
	bell_ring(&bell);
	turn();
	ck_assert_int_eq(nheard, 1);
	close_bell();
}
END_TEST

START_TEST(rings_leave_one_byte_and_are_heard_once)
{
	char bytes[4];
	open_bell(_i);
	for (int i = 0; i < 3; i++)
		bell_ring(&bell);
	ck_assert_int_eq(sys_read(bell.watch.fd, bytes, sizeof bytes), 1);
	ck_assert_int_eq(sys_write(bell.ringing_end, bytes, 1), 1);
	turn();
	ck_assert_int_eq(nheard, 1);
	ck_assert_int_eq(sys_read(bell.watch.fd, bytes, sizeof bytes), -1);
	ck_assert_int_eq(errno, EAGAIN);
	/* And a bell that was heard rings anew. */
	bell_ring(&bell);
	turn();
	ck_assert_int_eq(nheard, 2);
	close_bell();
}
END_TEST

START_TEST(without_descriptors_it_fails_and_leaves_nothing_open)
{
	open_loop(_i);
	struct rlimit saved, limit;
	int next = descriptor_next();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &saved), 0);
	for (rlim_t n = 0; n < 2; n++) {
		limit = saved;
		limit.rlim_cur = (rlim_t)next + n;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		ck_assert_int_eq(bell_open(&bell, loop, hear), -1);
		ck_assert_int_eq(errno, EMFILE);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &saved), 0);
		ck_assert_int_eq(descriptor_next(), next);
	}
	loop_close(loop);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("bell");
	for (int i = 0; poller_backend((size_t)i) != NULL; i++) {
		TCase *tcase = tcase_create(poller_backend((size_t)i));
#define ADD(test) tcase_add_loop_test(tcase, test, i, i + 1)
		ADD(a_ring_that_could_not_be_written_is_tried_again_by_the_next);
		ADD(a_ring_that_fails_for_good_is_tried_each_time);
		ADD(rings_leave_one_byte_and_are_heard_once);
		ADD(without_descriptors_it_fails_and_leaves_nothing_open);
#undef ADD
		suite_add_tcase(suite, tcase);
	}
	return suite;
}
