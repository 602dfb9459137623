/* SPDX-License-Identifier: ISC */
#include "unit/upcase/each_kernel.h"

#include "upcase/dispatch.h"

#include <stdio.h>
#include <string.h>

/* The most kernels that one processor can run, and cases for them. */
enum { KERNELS_MAX = 4, CASES_MAX = 16 };

static void
use(size_t i)
{
	ck_assert_int_eq(upcase_choose_kernel(upcase_kernel(i)), 0);
	ck_assert_str_eq(upcase_kernel_in_use(), upcase_kernel(i));
}

/* A fixture takes no argument, so there is one for each. */
static void
use_0(void)
{
	use(0);
}

static void
use_1(void)
{
	use(1);
}

static void
use_2(void)
{
	use(2);
}

static void
use_3(void)
{
	use(3);
}

static void (*const uses[KERNELS_MAX])(void) = {use_0, use_1, use_2, use_3};

TCase *
kernel_case(Suite *suite, const char *name, const char *kernel)
{
	static char names[CASES_MAX][64];
	static size_t ncases;
	size_t i = 0;
	while (strcmp(upcase_kernel(i), kernel) != 0)
		i++;
	char *both = names[ncases++];
	(void)snprintf(both, sizeof names[0], "%s, %s", name, kernel);
	TCase *tcase = tcase_create(both);
	tcase_add_checked_fixture(tcase, uses[i], NULL);
	suite_add_tcase(suite, tcase);
	return tcase;
}

void
each_kernel(Suite *suite, void (*add)(Suite *, const char *kernel))
{
	const char *kernel;
	for (size_t i = 0; (kernel = upcase_kernel(i)) != NULL; i++)
		add(suite, kernel);
}
