/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "reactor/poller.h"
#include "unit/backends.h"

#include <sys/resource.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One for each case, as tests run in processes of their own. */
#define MODE(name, modes)                                                      \
	static void name(void)                                                 \
	{                                                                      \
		(void)setenv("KQUEUE_FAKE", modes, 1);                         \
	}
MODE(set_eintr, "eintr=2")
MODE(set_reverse, "reverse")
MODE(set_single, "single")
MODE(set_untrue, "untrue")

static void
unset(void)
{
	(void)unsetenv("KQUEUE_FAKE");
}

static const struct {
	const char *name;
	void (*set)(void);
} modes[] = {
    {"kqueue that is interrupted", set_eintr},
    {"kqueue in reverse", set_reverse},
    {"kqueue with one event a call", set_single},
    {"kqueue with untrue events", set_untrue},
};

static void
add_modes(Suite *suite, backends_adder *contract, int i)
{
	for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
		TCase *nasty = tcase_create(modes[m].name);
		tcase_add_checked_fixture(nasty, modes[m].set, unset);
		contract(nasty, i);
		suite_add_tcase(suite, nasty);
	}
}

void
backends_add(Suite *suite, backends_adder *contract, backends_adder *exact)
{
	for (int i = 0; poller_backend((size_t)i) != NULL; i++) {
		const char *name = poller_backend((size_t)i);
		TCase *tcase = tcase_create(name);
		if (contract != NULL)
			contract(tcase, i);
		if (exact != NULL)
			exact(tcase, i);
		suite_add_tcase(suite, tcase);
		if (contract != NULL && strcmp(name, "kqueue") == 0)
			add_modes(suite, contract, i);
	}
}

int
descriptor_next(void)
{
	int number = dup(0);
	(void)close(number);
	return number;
}

static struct rlimit limit;

void
waits_break(const char *name, int number)
{
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (strcmp(name, "poll") == 0) {
		/* More descriptors than the limit allows. */
		const struct rlimit none = {0, limit.rlim_max};
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	} else {
		/* The poller's own descriptor becomes another file. */
		ck_assert_int_eq(dup2(0, number), number);
	}
}

void
waits_mend(void)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
