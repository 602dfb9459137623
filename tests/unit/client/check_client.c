/* SPDX-License-Identifier: ISC */
/* The parts of upc that need no server: numbers, progress, the transfer. */
#include "config.h"

#include "base/sys.h"
#include "client/connect.h"
#include "client/progress.h"
#include "client/tally.h"
#include "client/transfer.h"
#include "unit/net/loopback.h"
#include "unit/runner.h"

#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tally
tally(const char *text)
{
	struct tally counted = {0};
	tally_add(&counted, text, strlen(text));
	return counted;
}

static bool
is_whole(const char *sent, const char *received)
{
	struct tally ours = tally(sent), theirs = tally(received);
	return tally_is_whole(&ours, &theirs);
}

START_TEST(a_tally_counts_bytes_lines_and_characters)
{
	struct tally counted = tally("a\n\xc3\xbc\xf0\x9f\x8c\xae");
	tally_add(&counted, "\n", 1);
	ck_assert_uint_eq(counted.bytes, 9);
	ck_assert_uint_eq(counted.lines, 2);
	ck_assert_uint_eq(counted.characters, 5);
}
END_TEST

START_TEST(an_answer_with_all_lines_and_characters_is_whole)
{
	ck_assert(is_whole("", ""));
	ck_assert(is_whole("abc\n", "ABC\n"));
	/* One character may become several, and fewer bytes than before. */
	ck_assert(is_whole("\xc3\x9f", "SS"));
	ck_assert(is_whole("\xc4\xb1", "I"));
}
END_TEST

START_TEST(an_answer_without_a_line_or_a_character_is_not_whole)
{
	ck_assert(!is_whole("a\nb\n", "A\nB"));
	ck_assert(!is_whole("abc", "AB"));
	ck_assert(!is_whole("a\xc3\xbc", "A"));
	ck_assert(!is_whole("\x80", ""));
}
END_TEST

static const char *
line(uint64_t bytes, uint64_t size, uint64_t ms)
{
	static char text[STATUS_LINE_MAX];
	progress_format(text, bytes, size, ms);
	return text;
}

START_TEST(a_progress_line_has_bytes_rate_and_share)
{
	ck_assert_str_eq(
	    line(1536, 3072, 2000), "upc: 1.5 KiB sent, 768.0 B/s, 50%");
	ck_assert_str_eq(line(UINT64_C(64) << 20, 0, 1000),
	    "upc: 64.0 MiB sent, 64.0 MiB/s");
	ck_assert_str_eq(line(0, 10, 0), "upc: 0.0 B sent, 0.0 B/s, 0%");
	/* Rounded down: only the whole is 100, and what has grown is, too. */
	ck_assert_str_eq(
	    line(999, 1000, 1000), "upc: 999.0 B sent, 999.0 B/s, 99%");
	ck_assert_str_eq(
	    line(2000, 1000, 1000), "upc: 2.0 KiB sent, 2.0 KiB/s, 100%");
	/* The longest line fits. */
	ck_assert_uint_lt(
	    strlen(line(UINT64_MAX, UINT64_MAX, 1)), STATUS_LINE_MAX - 1);
}
END_TEST

START_TEST(progress_is_shown_after_a_second_then_every_200_ms)
{
	int ends[2];
	char shown[4 * STATUS_LINE_MAX];
	struct progress progress;
	ck_assert_int_eq(sys_pipe(ends), 0);
	progress_start(&progress, ends[1], 0, 5000);
	progress_show(&progress, 1, 5999);
	ck_assert_int_eq(sys_read(ends[0], shown, sizeof shown), -1);
	progress_show(&progress, 1, 6000);
	ck_assert_int_gt(sys_read(ends[0], shown, sizeof shown), 0);
	progress_show(&progress, 1, 6199);
	ck_assert_int_eq(sys_read(ends[0], shown, sizeof shown), -1);
	progress_show(&progress, 1, 6200);
	ck_assert_int_gt(sys_read(ends[0], shown, sizeof shown), 0);
	(void)sys_close(ends[0]);
	(void)sys_close(ends[1]);
}
END_TEST

enum { TEXT_SIZE = 300 * 1000 };

/* Text without a period, so that no piece can stand for another. */
static char *
make_text(void)
{
	char *text = malloc(TEXT_SIZE);
	ck_assert_ptr_nonnull(text);
	uint32_t state = 1;
	for (int i = 0; i < TEXT_SIZE; i++) {
		state = state * 1664525 + 1013904223;
		text[i] = (char)('A' + (state >> 24) % 26);
	}
	return text;
}

/* Accepts one connection and sends back what comes, until its end. */
static void
echo(int listener)
{
	char bytes[4096];
	struct pollfd ready = {.fd = listener, .events = POLLIN};
	(void)poll(&ready, 1, -1);
	int fd = sys_accept(listener, NULL);
	ready.fd = fd;
	for (;;) {
		(void)poll(&ready, 1, -1);
		ssize_t got = sys_recv(fd, bytes, sizeof bytes);
		if (got <= 0)
			return;
		for (ssize_t sent = 0; sent < got;) {
			struct pollfd room = {.fd = fd, .events = POLLOUT};
			(void)poll(&room, 1, -1);
			ssize_t n =
			    sys_send(fd, bytes + sent, (size_t)(got - sent));
			sent += n > 0 ? n : 0;
		}
	}
}

/* The kernel takes a small part of what is offered at each call. */
START_TEST(partial_sends_go_on_where_they_stopped)
{
	struct sockaddr_in serving;
	int listener = loopback_bind(&serving);
	ck_assert_int_eq(sys_listen(listener, 1), 0);
	pid_t child = fork();
	if (child == 0) {
		echo(listener);
		_exit(0);
	}
	char peer[ADDRESS_TEXT_MAX];
	struct address server = {.host = "127.0.0.1"};
	(void)snprintf(server.port, sizeof server.port, "%u",
	    (unsigned)ntohs(serving.sin_port));
	struct progress progress;
	progress_start(&progress, -1, 0, sys_now());
	FILE *answer = tmpfile();
	ck_assert_ptr_nonnull(answer);
	char *text = make_text(), *printed = calloc(1, TEXT_SIZE + 1);
	ck_assert_ptr_nonnull(printed);
	static char *const no_files[] = {NULL};
	struct input input;
	input_start(&input, no_files, fileno(answer));
	const struct transfer_task task = {
	    .server = connect_server(&server, AF_INET, 5000, peer),
	    .text = text,
	    .length = TEXT_SIZE,
	    .input = &input,
	    .output = fileno(answer),
	    .timeout = 20000,
	    .progress = &progress,
	};
	ck_assert_int_ne(task.server, -1);
	ck_assert_int_eq(
	    sys_setsockopt(task.server, SOL_SOCKET, SO_SNDBUF, 4096), 0);
	struct transfer_result result;
	transfer_run(&task, &result);
	ck_assert_int_eq(result.outcome, TRANSFER_WHOLE);
	rewind(answer);
	ck_assert_uint_eq(fread(printed, 1, TEXT_SIZE + 1, answer), TEXT_SIZE);
	ck_assert_int_eq(memcmp(printed, text, TEXT_SIZE), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	(void)sys_close(task.server);
	(void)sys_close(listener);
	(void)fclose(answer);
	free(printed);
	free(text);
}
END_TEST

Suite *
suite(void)
{
	Suite *client = suite_create("client");
	TCase *answers = tcase_create("tally");
	tcase_add_test(answers, a_tally_counts_bytes_lines_and_characters);
	tcase_add_test(
	    answers, an_answer_with_all_lines_and_characters_is_whole);
	tcase_add_test(
	    answers, an_answer_without_a_line_or_a_character_is_not_whole);
	suite_add_tcase(client, answers);
	TCase *shown = tcase_create("progress");
	tcase_add_test(shown, a_progress_line_has_bytes_rate_and_share);
	tcase_add_test(
	    shown, progress_is_shown_after_a_second_then_every_200_ms);
	suite_add_tcase(client, shown);
	TCase *exchange = tcase_create("transfer");
	tcase_add_test(exchange, partial_sends_go_on_where_they_stopped);
	suite_add_tcase(client, exchange);
	return client;
}
