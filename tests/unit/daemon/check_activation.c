/* SPDX-License-Identifier: ISC */
/* How many sockets the variables of socket activation pass. */
#include "config.h"

#include "daemon/activation.h"
#include "unit/runner.h"

#include <stddef.h>

enum { PID = 1234 };

static const struct {
	const char *pid, *fds;
	int n;
} cases[] = {
    {"1234", "1", 1}, {"1234", "256", ACTIVATION_MAX}, {"1234", "0", 0},
    {NULL, "1", 0}, {"1234", NULL, 0}, {NULL, NULL, 0},
    {"1235", "1", ACTIVATION_OF_ANOTHER},
    {"1235", "garbage", ACTIVATION_OF_ANOTHER},
    {"", "1", ACTIVATION_OF_ANOTHER}, {"-1234", "1", ACTIVATION_OF_ANOTHER},
    {"1234 ", "1", ACTIVATION_OF_ANOTHER},
    {"4294968530", "1", ACTIVATION_OF_ANOTHER}, /* 2^32 more */
    {"1234", "", ACTIVATION_WRONG}, {"1234", "x", ACTIVATION_WRONG},
    {"1234", "1x", ACTIVATION_WRONG}, {"1234", " 1", ACTIVATION_WRONG},
    {"1234", "+1", ACTIVATION_WRONG}, {"1234", "-1", ACTIVATION_WRONG},
    {"1234", "1.5", ACTIVATION_WRONG}, {"1234", "257", ACTIVATION_WRONG},
    {"1234", "4294967297", ACTIVATION_WRONG},           /* 2^32 + 1 */
    {"1234", "18446744073709551617", ACTIVATION_WRONG}, /* 2^64 + 1 */
};

START_TEST(the_variables_pass_as_many_as_they_say_or_none)
{
	ck_assert_int_eq(
	    activation_parse(cases[_i].pid, cases[_i].fds, PID), cases[_i].n);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("activation");
	TCase *tcase = tcase_create("variables");
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase,
	    the_variables_pass_as_many_as_they_say_or_none, 0, LENGTH(cases));
	return suite;
}
