/* SPDX-License-Identifier: ISC */
/* Descriptors on their way through a pair of sockets, and files in memory. */
#include "config.h"

#include "base/memory_file.h"
#include "base/passage.h"
#include "unit/runner.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 600 };

static int sent[MANY], received[MANY + 1];
static int near, far;

static size_t
count_open(void)
{
	size_t n = 0;
	for (int fd = 0; fd < 4 * MANY; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
set_up(void)
{
	const struct rlimit limit = {4 * MANY, 4 * MANY};
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_int_eq(passage_open(&near, &far), 0);
}

static void
tear_down(void)
{
	(void)close(far);
}

/* Makes n pipes, of which the one end is kept. */
static void
make(int n)
{
	for (int i = 0; i < n; i++) {
		int ends[2];
		ck_assert_int_eq(pipe(ends), 0);
		sent[i] = ends[0];
		(void)close(ends[1]);
	}
}

static bool
is_same(int a, int b)
{
	struct stat left, right;
	return fstat(a, &left) == 0 && fstat(b, &right) == 0 &&
	       left.st_ino == right.st_ino && left.st_dev == right.st_dev;
}

static void
drop(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(close(fds[i]), 0);
}

static const int sizes[] = {0, 1, 2, 251, 252, 253, 504, 505, MANY};

START_TEST(all_arrive_in_their_order_though_the_sender_is_gone)
{
	int n = sizes[_i];
	make(n);
	ck_assert_int_eq(passage_send(near, sent, (size_t)n), 0);
	(void)close(near);
	ck_assert_int_eq(passage_receive(far, received, (size_t)n), 0);
	for (int i = 0; i < n; i++) {
		ck_assert(is_same(sent[i], received[i]));
		ck_assert_int_eq(fcntl(received[i], F_GETFD), FD_CLOEXEC);
	}
	drop(received, n);
	drop(sent, n);
}
END_TEST

START_TEST(fewer_than_asked_for_are_closed_again)
{
	make(300);
	for (int is_gone = 0; is_gone < 2; is_gone++) {
		ck_assert_int_eq(passage_send(near, sent, 300), 0);
		if (is_gone)
			(void)close(near);
		size_t before = count_open();
		ck_assert_int_eq(passage_receive(far, received, 301), -1);
		ck_assert_int_eq(errno, EPIPE);
		ck_assert_uint_eq(count_open(), before);
	}
	drop(sent, 300);
}
END_TEST

START_TEST(more_than_asked_for_are_not_left_open)
{
	make(10);
	ck_assert_int_eq(passage_send(near, sent, 10), 0);
	(void)close(near);
	size_t before = count_open();
	ck_assert_int_eq(passage_receive(far, received, 4), 0);
	ck_assert_uint_eq(count_open(), before + 4);
	ck_assert(is_same(sent[3], received[3]));
	drop(received, 4);
	drop(sent, 10);
}
END_TEST

START_TEST(without_room_for_them_all_are_closed_and_it_is_said_why)
{
	make(300);
	ck_assert_int_eq(passage_send(near, sent, 300), 0);
	(void)close(near);
	size_t before = count_open();
	struct rlimit limit = {before + 260, 4 * MANY};
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_int_eq(passage_receive(far, received, 300), -1);
	ck_assert_int_eq(errno, EMFILE);
	limit.rlim_cur = 4 * MANY;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_uint_eq(count_open(), before);
	drop(sent, 300);
}
END_TEST

START_TEST(a_sealed_file_is_read_as_it_was_written_and_changes_no_more)
{
	static const char text[] = "an inventory";
	size_t size = 0;
	int fd = memory_file_create(sizeof text);
	if (fd == -1 && errno == ENOSYS)
		return;
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_ptr_null(memory_file_map(fd, &size));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(memory_file_fill(fd, text, sizeof text), 0);
	const void *bytes = memory_file_map(fd, &size);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_eq(size, sizeof text);
	ck_assert_mem_eq(bytes, text, size);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	memory_file_unmap(bytes, size);
	memory_file_unmap(NULL, 0);
	(void)close(fd);
}
END_TEST

START_TEST(a_file_may_get_its_room_later)
{
	size_t size = 0;
	int fd = memory_file_create(0);
	if (fd == -1 && errno == ENOSYS)
		return;
	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_null(memory_file_map(fd, &size));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(memory_file_extend(fd, 3), 0);
	ck_assert_int_eq(memory_file_fill(fd, "abc", 3), 0);
	const void *bytes = memory_file_map(fd, &size);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_eq(size, 3);
	memory_file_unmap(bytes, size);
	(void)close(fd);
	ck_assert_int_eq(memory_file_extend(fd, 3), -1);
}
END_TEST

START_TEST(what_is_no_file_in_memory_is_not_mapped)
{
	size_t size;
	ck_assert_ptr_null(memory_file_map(-1, &size));
	ck_assert_ptr_null(memory_file_map(near, &size));
	int fd = open("/dev/null", O_RDONLY);
	ck_assert_ptr_null(memory_file_map(fd, &size));
	(void)close(fd);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("passage");
	TCase *tcase = tcase_create("passage");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase,
	    all_arrive_in_their_order_though_the_sender_is_gone, 0,
	    LENGTH(sizes));
	tcase_add_test(tcase, fewer_than_asked_for_are_closed_again);
	tcase_add_test(tcase, more_than_asked_for_are_not_left_open);
	tcase_add_test(
	    tcase, without_room_for_them_all_are_closed_and_it_is_said_why);
	tcase_add_test(
	    tcase, a_sealed_file_is_read_as_it_was_written_and_changes_no_more);
	tcase_add_test(tcase, a_file_may_get_its_room_later);
	tcase_add_test(tcase, what_is_no_file_in_memory_is_not_mapped);
	return suite;
}
