/* SPDX-License-Identifier: ISC */
/*
 * The log on each kind of stream: read by nobody, by somebody who leaves, or
 * where nothing can be written.
 */
#include "config.h"

#include "base/log.h"
#include "base/sys.h"
#include "unit/base/log_fixture.h"
#include "unit/capture.h"
#include "unit/runner.h"
#include "unit/upcase/pairs.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 30000,
	ENOUGH = 200000, /* lines that no stream takes without a reader */
	NOBODY = 65534
};

static void
make_pipe(int ends[2])
{
	ck_assert_int_eq(pipe(ends), 0);
}

static void
make_fifo(int ends[2])
{
	char folder[] = "/tmp/check_log.XXXXXX", path[64];
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ends[0] = open(path, O_RDONLY | O_NONBLOCK);
	ends[1] = open(path, O_WRONLY);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void
make_terminal(int ends[2])
{
	ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ne(ends[0], -1);
	ck_assert_int_eq(grantpt(ends[0]), 0);
	ck_assert_int_eq(unlockpt(ends[0]), 0);
	ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
}

static void
make_stream(int ends[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static void
make_datagrams(int ends[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
}

static void
make_packets(int ends[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
}

static void
make_connection(int ends[2])
{
	struct pair pair = pair_connect();
	(void)sys_setsockopt(pair.near, SOL_SOCKET, SO_RCVBUF, 4096);
	(void)sys_setsockopt(pair.far, SOL_SOCKET, SO_SNDBUF, 4096);
	ends[0] = pair.near;
	ends[1] = pair.far;
}

enum access {
	USUAL,
	FOREIGN /* the stream is of another account */
};

static const struct {
	const char *name;
	void (*make)(int ends[2]);
	enum access access;
} streams[] = {
    {"pipe", make_pipe, USUAL},
    {"pipe of another account", make_pipe, FOREIGN},
    {"FIFO", make_fifo, USUAL},
    {"terminal", make_terminal, USUAL},
    {"terminal of another account", make_terminal, FOREIGN},
    {"stream", make_stream, USUAL},
    {"datagrams", make_datagrams, USUAL},
    {"packets", make_packets, USUAL},
    {"connection", make_connection, USUAL},
};

/* Opens the log on the stream; returns the end to read from. */
static int
open_stream(int i, int *inherited)
{
	int ends[2];
	streams[i].make(ends);
	ck_assert_int_ne(ends[1], -1);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	if (streams[i].access == FOREIGN)
		ck_assert_int_eq(seteuid(NOBODY), 0);
	log_open("test", LOG_LEVEL_INFO);
	if (streams[i].access == FOREIGN)
		ck_assert_int_eq(seteuid(0), 0);
	*inherited = ends[1];
	return ends[0];
}

/* What is shared with other programs still blocks. */
static void
check_flags(int i, int inherited)
{
	ck_assert_int_eq(fcntl(inherited, F_GETFL) & O_NONBLOCK, 0);
	struct stat status;
	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	bool is_own = (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) != 0;
	if (S_ISSOCK(status.st_mode) || streams[i].access == FOREIGN)
		ck_assert(!is_own);
	else if (access("/proc/self/fd/2", F_OK) == 0)
		ck_assert(is_own);
}

START_TEST(a_stream_that_nobody_reads_costs_lines_that_are_counted)
{
	int inherited;
	if (streams[_i].access == FOREIGN && geteuid() != 0)
		return;
	int reader = open_stream(_i, &inherited);
	check_flags(_i, inherited);
	unsigned due = next;
	for (int round = 0; round < 5; round++) {
		unsigned long dropped = log_dropped();
		errno = ENOTTY;
		for (int i = 0; log_dropped() < dropped + 3; i++) {
			ck_assert_int_lt(i, ENOUGH);
			log_next();
		}
		ck_assert_int_eq(errno, ENOTTY);
		/* Room comes by and by. */
		do {
			dropped = log_dropped();
			take(reader, 10);
			log_next();
		} while (log_dropped() != dropped);
		take_line(reader, next - 1);
		due = check_seen(due);
		ck_assert_uint_eq(due, next);
	}
	check_flags(_i, inherited);
}
END_TEST

START_TEST(a_stream_whose_reader_is_gone_costs_lines_that_are_counted)
{
	int inherited;
	if (streams[_i].access == FOREIGN && geteuid() != 0)
		return;
	(void)close(open_stream(_i, &inherited));
	unsigned long dropped = log_dropped();
	/* TCP has to hear of it first. */
	for (int i = 0; log_dropped() < dropped + 3; i++) {
		ck_assert_int_lt(i, ENOUGH);
		log_next();
	}
}
END_TEST

START_TEST(where_nothing_can_be_written_lines_are_dropped)
{
	log_open("prog", LOG_LEVEL_INFO);
	unsigned long dropped = log_dropped();
	/* A full disk, a pipe without a reader, and no descriptor at all. */
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (full != -1) {
		ck_assert_int_eq(dup2(full, STDERR_FILENO), STDERR_FILENO);
		(void)close(full);
		log_info("lost");
		ck_assert_uint_eq(log_dropped(), ++dropped);
	}
	capture(STDERR_FILENO);
	capture_close();
	errno = ENOTTY;
	log_info("lost");
	ck_assert_uint_eq(log_dropped(), ++dropped);
	ck_assert_int_eq(errno, ENOTTY);
	(void)close(STDERR_FILENO);
	log_info("lost");
	ck_assert_uint_eq(log_dropped(), ++dropped);
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

START_TEST(a_terminal_that_is_stopped_costs_lines_that_are_told_of)
{
	int ends[2];
	make_terminal(ends);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO);
	log_info("before");
	ck_assert_int_eq(tcflow(ends[1], TCOOFF), 0);
	log_info("lost");
	ck_assert_int_eq(tcflow(ends[1], TCOON), 0);
	log_info("after");
	for (int ms = 0; ms < PATIENCE_MS && !strstr(seen, "after\r\n"); ms++)
		take(ends[0], 1);
	ck_assert_str_eq(seen,
	    "before\r\nwarning: 1 line of the log was left out\r\nafter\r\n");
}
END_TEST

START_TEST(lines_to_the_master_of_a_terminal_arrive_at_that_terminal)
{
	int ends[2];
	make_terminal(ends);
	ck_assert_int_eq(dup2(ends[0], STDERR_FILENO), STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO);
	log_next();
	take_line(ends[1], 0);
	ck_assert_uint_eq(check_seen(0), next);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("log_stream");
	TCase *log = tcase_create("log_stream");
	tcase_add_loop_test(log,
	    a_stream_that_nobody_reads_costs_lines_that_are_counted, 0,
	    LENGTH(streams));
	tcase_add_loop_test(log,
	    a_stream_whose_reader_is_gone_costs_lines_that_are_counted, 0,
	    LENGTH(streams));
	tcase_add_test(log, where_nothing_can_be_written_lines_are_dropped);
	tcase_add_test(
	    log, a_terminal_that_is_stopped_costs_lines_that_are_told_of);
	tcase_add_test(
	    log, lines_to_the_master_of_a_terminal_arrive_at_that_terminal);
	suite_add_tcase(suite, log);
	return suite;
}
