/* SPDX-License-Identifier: ISC */
/* How many processors this process may use. */
#include "config.h"

#include "base/processors.h"
#include "unit/runner.h"

#include <sched.h>
#include <unistd.h>

START_TEST(there_is_one_at_least_and_no_more_than_are_online)
{
	ck_assert_uint_ge(processors_count(), 1);
	ck_assert_int_le(
	    (long)processors_count(), sysconf(_SC_NPROCESSORS_CONF));
}
END_TEST

#ifdef CPU_SETSIZE
START_TEST(only_those_count_that_the_process_may_use)
{
	cpu_set_t all, one;
	ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
	ck_assert_uint_eq(processors_count(), (unsigned)CPU_COUNT(&all));
	size_t processor = 0;
	while (!CPU_ISSET(processor, &all))
		processor++;
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
	ck_assert_uint_eq(processors_count(), 1);
	ck_assert_int_eq(sched_setaffinity(0, sizeof all, &all), 0);
	ck_assert_uint_eq(processors_count(), (unsigned)CPU_COUNT(&all));
}
END_TEST

static void
add_chosen(TCase *tcase)
{
	tcase_add_test(tcase, only_those_count_that_the_process_may_use);
}
#else
/* No process can choose. */
static void
add_chosen(TCase *tcase)
{
	(void)tcase;
}
#endif

Suite *
suite(void)
{
	Suite *suite = suite_create("processors");
	TCase *tcase = tcase_create("count");
	suite_add_tcase(suite, tcase);
	tcase_add_test(
	    tcase, there_is_one_at_least_and_no_more_than_are_online);
	add_chosen(tcase);
	return suite;
}
