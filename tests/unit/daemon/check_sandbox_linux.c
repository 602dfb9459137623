/* SPDX-License-Identifier: ISC */
/* The sandbox of Linux on kernels that have less than they say, or nothing. */
#include "config.h"

#include "base/log.h"
#include "daemon/sandbox.h"
#include "daemon/sandbox_landlock.h"
#include "daemon/sandbox_seccomp.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* The kernel, which this test plays. */
static struct {
	int claimed;         /* the version that it says it has, or -errno */
	int had;             /* the greatest that it does not refuse */
	int refusal;         /* the errno with which it refuses others */
	int filter;          /* the errno with which it refuses a filter */
	int inherited;       /* the state of a sandbox in force, or -1 */
	int tried, in_force; /* how many versions, and which one it took */
	unsigned state;      /* what the filter keeps */
	uint32_t identity;   /* of the sandbox */
	bool spares_abstract;
} kernel;

int
landlock_version(void)
{
	if (kernel.claimed >= 0)
		return kernel.claimed;
	errno = -kernel.claimed;
	return -1;
}

int
landlock_restrict(int version, const struct landlock_rule *rules, size_t n,
    unsigned port, bool spares_abstract)
{
	(void)rules, (void)n;
	ck_assert_uint_eq(port, 53);
	kernel.tried++;
	kernel.spares_abstract = spares_abstract;
	if (version > kernel.had) {
		errno = kernel.refusal;
		return -1;
	}
	kernel.in_force = version;
	return 0;
}

uint32_t
seccomp_version(void)
{
	return 1;
}

uint32_t
seccomp_mix(uint32_t number, const void *bytes, unsigned long size)
{
	const unsigned char *next = bytes;
	while (size-- > 0)
		number = number * 31 + *next++;
	return number;
}

int
seccomp_restrict(uint32_t identity, unsigned state)
{
	if (kernel.filter != 0) {
		errno = kernel.filter;
		return -1;
	}
	kernel.identity = identity;
	kernel.state = state;
	return 0;
}

int
seccomp_ask(uint32_t identity)
{
	(void)identity;
	return kernel.inherited;
}

static struct sandbox_needs needs = {
    .config = "/folder/conf", .program = "/place/upcased"};

static void
boot(int claimed, int had, int refusal)
{
	memset(&kernel, 0, sizeof kernel);
	kernel.claimed = claimed;
	kernel.had = had;
	kernel.refusal = refusal;
	kernel.inherited = -1;
	capture(STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO);
}

static void
expect(enum sandbox_mode mode, int result, const char *part)
{
	ck_assert_int_eq(sandbox_enter(mode, &needs), result);
	if (result == 0)
		sandbox_report(mode, &needs);
	const char *text = written();
	ck_assert_msg(strstr(text, part) != NULL, "%s", text);
}

START_TEST(a_kernel_with_all_gives_up_all)
{
	boot(7, 6, EINVAL);
	expect(SANDBOX_REQUIRE, 0,
	    "system and in the folder of /folder/conf and in the folder of "
	    "/place/upcased can be read");
	ck_assert_int_eq(kernel.in_force, LANDLOCK_SCOPES);
	ck_assert_int_eq(kernel.tried, 1);
	ck_assert_uint_eq(kernel.state, LANDLOCK_SCOPES);
	ck_assert(!kernel.spares_abstract);
}
END_TEST

START_TEST(a_version_that_is_said_to_be_there_and_refused_leaves_the_rest)
{
	for (int had = 1; had < LANDLOCK_SCOPES; had++) {
		boot(LANDLOCK_SCOPES, had, EINVAL);
		expect(SANDBOX_REQUIRE, 0, "cannot be prevented");
		ck_assert_int_eq(kernel.in_force, had);
		ck_assert_uint_eq(kernel.state, (unsigned)had);
	}
}
END_TEST

START_TEST(an_old_kernel_gives_up_what_it_can)
{
	boot(1, 1, EINVAL);
	expect(SANDBOX_TRY, 0,
	    "TCP connections and signals to other processes cannot be "
	    "prevented on this kernel (Landlock 1)");
	ck_assert_int_eq(kernel.tried, 1);
}
END_TEST

START_TEST(what_fails_is_a_warning_when_tried_and_the_end_when_required)
{
	static const struct {
		int claimed, refusal;
		const char *remedy;
	} kernels[] = {
	    {-ENOSYS, 0, "take another kernel"},
	    {-EOPNOTSUPP, 0, "take another kernel"},
	    {0, 0, "take another kernel"},
	    {7, EINVAL, "take another kernel"},
	    {7, E2BIG, "restart upcased"},
	    {7, EPERM, "let the sandbox that it is started in allow"},
	    {7, EMFILE, "ulimit -n"},
	};
	for (int i = 0; i < LENGTH(kernels); i++) {
		boot(kernels[i].claimed, 0, kernels[i].refusal);
		expect(SANDBOX_TRY, 0,
		    "warning: the sandbox cannot restrict access to files; ");
		/* The filter is laid on all the same. */
		ck_assert_uint_ne(kernel.identity, SECCOMP_ANY);
		boot(kernels[i].claimed, 0, kernels[i].refusal);
		expect(SANDBOX_REQUIRE,
		    kernels[i].refusal == EMFILE ? EX_OSERR : EX_NOPERM,
		    kernels[i].remedy);
		ck_assert_uint_eq(kernel.identity, SECCOMP_ANY);
	}
}
END_TEST

START_TEST(a_filter_that_fails_is_no_less)
{
	static const int errors[] = {ENOSYS, EINVAL, EPERM, ENOTSUP, ENOMEM};
	for (int i = 0; i < LENGTH(errors); i++) {
		boot(7, 7, EINVAL);
		kernel.filter = errors[i];
		expect(SANDBOX_TRY, 0,
		    "warning: the sandbox cannot filter system calls; ");
		boot(7, 7, EINVAL);
		kernel.filter = errors[i];
		expect(SANDBOX_REQUIRE,
		    errors[i] == ENOMEM ? EX_OSERR : EX_NOPERM,
		    "--sandbox require: cannot filter system calls; ");
	}
}
END_TEST

START_TEST(one_that_is_in_force_is_told_of_and_not_laid_on)
{
	boot(7, 7, EINVAL);
	kernel.inherited = 4;
	expect(SANDBOX_REQUIRE, 0, "(Landlock 4)");
	ck_assert_int_eq(kernel.tried, 0);
	ck_assert_uint_eq(kernel.identity, SECCOMP_ANY);
	kernel.inherited = 0;
	expect(SANDBOX_TRY, 0,
	    "warning: the sandbox cannot restrict access to files; ");
	expect(SANDBOX_REQUIRE, EX_NOPERM,
	    "--sandbox require: cannot restrict access to files; ");
	expect(SANDBOX_OFF, 0, "the sandbox of the last process stays");
}
END_TEST

START_TEST(what_is_needed_makes_another_sandbox)
{
	uint32_t first;
	boot(7, 7, EINVAL);
	expect(SANDBOX_REQUIRE, 0, "abstract");
	first = kernel.identity;
	expect(SANDBOX_REQUIRE, 0, "abstract");
	ck_assert_uint_eq(kernel.identity, first);
	needs.connects_abstract = true;
	expect(SANDBOX_REQUIRE, 0, "no other process be signalled\n");
	ck_assert(kernel.spares_abstract);
	ck_assert_uint_ne(kernel.identity, first);
	needs.connects_abstract = false;
	needs.config = NULL;
	expect(SANDBOX_REQUIRE, 0, "system and in the folder of /place/");
	ck_assert_uint_ne(kernel.identity, first);
	needs.config = "/folder/conf";
}
END_TEST

/* A path that is too long to be remembered must not be left out in silence. */
START_TEST(a_path_that_has_no_room_is_told_of)
{
	static char path[20000];
	memset(path, 'x', sizeof path - 1);
	path[0] = '/';
	boot(7, 7, EINVAL);
	needs.config = path;
	expect(SANDBOX_TRY, 0,
	    "warning: the sandbox cannot restrict access to files; ");
	expect(SANDBOX_REQUIRE, EX_OSERR, "cannot restrict access to files");
	ck_assert_int_eq(kernel.tried, 0);
	needs.config = "/folder/conf";
}
END_TEST

START_TEST(without_one_nothing_is_done_or_said)
{
	boot(7, 7, EINVAL);
	ck_assert_int_eq(sandbox_enter(SANDBOX_OFF, &needs), 0);
	ck_assert_int_eq(sandbox_rehearse(SANDBOX_OFF, &needs), 0);
	sandbox_report(SANDBOX_OFF, &needs);
	/* Nor is anything said before the start has succeeded. */
	ck_assert_int_eq(sandbox_enter(SANDBOX_TRY, &needs), 0);
	ck_assert_str_eq(written(), "");
	ck_assert_int_eq(kernel.tried, 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("sandbox_linux");
	TCase *tcase = tcase_create("kernels");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_kernel_with_all_gives_up_all);
	tcase_add_test(tcase,
	    a_version_that_is_said_to_be_there_and_refused_leaves_the_rest);
	tcase_add_test(tcase, an_old_kernel_gives_up_what_it_can);
	tcase_add_test(tcase,
	    what_fails_is_a_warning_when_tried_and_the_end_when_required);
	tcase_add_test(tcase, a_filter_that_fails_is_no_less);
	tcase_add_test(tcase, one_that_is_in_force_is_told_of_and_not_laid_on);
	tcase_add_test(tcase, what_is_needed_makes_another_sandbox);
	tcase_add_test(tcase, a_path_that_has_no_room_is_told_of);
	tcase_add_test(tcase, without_one_nothing_is_done_or_said);
	return suite;
}
