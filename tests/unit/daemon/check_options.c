/* SPDX-License-Identifier: ISC */
/* What the daemon's options come to: each value, its bounds, and defaults. */
#include "config.h"

#include "base/log.h"
#include "base/processors.h"
#include "base/say.h"
#include "daemon/options.h"
#include "reactor/poller.h"
#include "unit/capture.h"
#include "unit/runner.h"

#include <fcntl.h>
#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static struct daemon_arguments arguments;
static struct daemon_choice choice;
static struct daemon_options *const options = &arguments.options;

static void
print_nothing(void)
{
}

static enum cli_outcome
read_all(int argc, char **argv)
{
	say_as("upcased");
	/* Makes every getopt_long begin anew. */
	optind = 0;
	return daemon_arguments_read(&arguments, argc, argv, print_nothing);
}

static enum cli_outcome
read_option(const char *name, const char *value)
{
	static char words[2][64];
	(void)snprintf(words[0], sizeof words[0], "%s", name);
	(void)snprintf(words[1], sizeof words[1], "%s", value);
	char program[] = "upcased";
	char *argv[] = {program, words[0], words[1], NULL};
	enum cli_outcome outcome = read_all(3, argv);
	/* Settings must not need the words any longer. */
	memset(words, '!', sizeof words - 1);
	return outcome;
}

static const struct settings *
with(const char *name, const char *value)
{
	ck_assert_int_eq(read_option(name, value), CLI_RUN);
	return &options->server;
}

static void
expect_refusal(const char *name, const char *value)
{
	capture(STDERR_FILENO);
	ck_assert_int_eq(read_option(name, value), CLI_BAD);
	/* It says which, and what was given. */
	const char *text = written();
	ck_assert_msg(strstr(text, name + 2) != NULL, "%s: %s", name, text);
	if (value[0] != '\0')
		ck_assert_ptr_nonnull(strstr(text, value));
	capture_close();
}

static void
refuse_all(const char *name, const char *const values[])
{
	for (int i = 0; values[i] != NULL; i++)
		expect_refusal(name, values[i]);
}

START_TEST(without_options_there_are_the_defaults)
{
	char program[] = "upcased";
	char *argv[] = {program, NULL};
	memset(&arguments, 0xff, sizeof arguments);
	ck_assert_int_eq(read_all(1, argv), CLI_RUN);
	ck_assert_uint_eq(options->nlisten, 1);
	ck_assert(options->listen[0].loopback);
	ck_assert_str_eq(options->listen[0].port, "5220");
	ck_assert_str_eq(options->config, "");
	ck_assert(!options->check);
	ck_assert_str_eq(options->user, "");
	ck_assert_int_eq(options->log, LOG_TO_STDERR);
	ck_assert_int_eq(options->log_level, LOG_LEVEL_INFO);
	/* As --help and the page have them. */
	const struct settings *server = &options->server;
	ck_assert_uint_eq(server->workers, 1);
	ck_assert_uint_eq(server->idle_ms, 600000);
	ck_assert_uint_eq(server->stall_ms, 30000);
	ck_assert_uint_eq(server->drain_ms, 10000);
	ck_assert_uint_eq(server->busy_poll_us, 0);
	ck_assert_uint_eq(server->memory_limit, 0);
	ck_assert_uint_eq(server->max_connections, 0);
	ck_assert_int_eq(server->invalid, UPCASE_PASS);
	ck_assert_str_eq(server->congestion, "");
	ck_assert_ptr_null(server->backend);
}
END_TEST

START_TEST(numbers_are_taken_exactly_between_their_bounds)
{
	ck_assert_uint_eq(with("--workers", "1")->workers, 1);
	ck_assert_uint_eq(with("--workers", "007")->workers, 7);
	ck_assert_uint_eq(with("--workers", "256")->workers, 256);
	refuse_all("--workers",
	    (const char *const[]){"", "0", "257", "-1", "+1", " 1", "1 ", "1k",
		"0x1", "1.0", "4294967297", "18446744073709551617", NULL});
	ck_assert_uint_eq(with("--max-connections", "1")->max_connections, 1);
	ck_assert_uint_eq(
	    with("--max-connections", "1000000")->max_connections, 1000000);
	ck_assert_uint_eq(
	    with("--max-connections", "0000000002")->max_connections, 2);
	refuse_all("--max-connections",
	    (const char *const[]){"0", "1000001", "1K", NULL});
}
END_TEST

START_TEST(sizes_are_bytes_or_a_number_of_their_unit)
{
	static const struct {
		const char *text;
		size_t size;
	} cases[] = {{"65536", 65536}, {"65537", 65537}, {"64K", 65536},
	    {"1000000000", 1000000000}, {"1M", 1048576}, {"16M", 16777216},
	    {"1G", 1073741824}};
	for (int i = 0; i < LENGTH(cases); i++)
		ck_assert_uint_eq(
		    with("--memory-limit", cases[i].text)->memory_limit,
		    cases[i].size);
	refuse_all("--memory-limit",
	    (const char *const[]){"", "0", "65535", "63K", "0M", "K", "64k",
		"64KB", "64 K", "1T", "-64K", "1.5M", NULL});
	/* As much as an object can have, and not more. */
	char most[32];
	(void)snprintf(most, sizeof most, "%td", PTRDIFF_MAX);
	ck_assert_uint_eq(
	    with("--memory-limit", most)->memory_limit, PTRDIFF_MAX);
	expect_refusal("--memory-limit", "9223372036854775808");
	expect_refusal("--memory-limit", "9999999999G");
}
END_TEST

START_TEST(times_go_to_the_option_that_was_named)
{
	ck_assert_uint_eq(with("--idle-timeout", "7s")->idle_ms, 7000);
	ck_assert_uint_eq(options->server.stall_ms, 30000);
	ck_assert_uint_eq(with("--stall-timeout", "1500ms")->stall_ms, 1500);
	ck_assert_uint_eq(options->server.idle_ms, 600000);
	ck_assert_uint_eq(with("--drain-timeout", "0")->drain_ms, 0);
	ck_assert_uint_eq(with("--busy-poll", "50us")->busy_poll_us, 50);
	ck_assert_uint_eq(with("--busy-poll", "10ms")->busy_poll_us, 10000);
	static const char *const names[] = {"--idle-timeout", "--stall-timeout",
	    "--drain-timeout", "--busy-poll"};
	for (int i = 0; i < LENGTH(names); i++)
		refuse_all(names[i],
		    (const char *const[]){"", "x", "-1s", "1d", NULL});
	expect_refusal("--busy-poll", "11ms");
}
END_TEST

START_TEST(words_are_taken_whole)
{
	ck_assert_int_eq(with("--invalid", "pass")->invalid, UPCASE_PASS);
	ck_assert_int_eq(with("--invalid", "replace")->invalid, UPCASE_REPLACE);
	ck_assert_int_eq(with("--invalid", "close")->invalid, UPCASE_CLOSE);
	refuse_all("--invalid",
	    (const char *const[]){"", "Pass", "pas", "passed", NULL});
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	for (int i = 0; i < LENGTH(levels); i++) {
		(void)with("--log-level", levels[i]);
		ck_assert_int_eq(options->log_level, i);
	}
	expect_refusal("--log-level", "all");
	(void)with("--log", "syslog");
	ck_assert_int_eq(options->log, LOG_TO_SYSLOG);
	(void)with("--log", "stderr");
	ck_assert_int_eq(options->log, LOG_TO_STDERR);
	expect_refusal("--log", "/var/log/upcased.log");
	const char *name;
	for (size_t i = 0; (name = poller_backend(i)) != NULL; i++)
		ck_assert_str_eq(with("--backend", name)->backend, name);
	expect_refusal("--backend", "select");
	(void)with("--user", "somebody");
	ck_assert_str_eq(options->user, "somebody");
	expect_refusal("--user", "");
	ck_assert_str_eq(with("--congestion", "reno")->congestion, "reno");
	expect_refusal("--congestion", "");
}
END_TEST

START_TEST(addresses_are_kept_in_their_order_as_many_as_there_may_be)
{
	enum { N = DAEMON_ADDRESSES_MAX + 1 };
	char program[] = "upcased", option[] = "--listen";
	char addresses[N][32];
	char *argv[1 + 2 * N + 1] = {program};
	for (int i = 0; i < N; i++) {
		(void)snprintf(addresses[i], sizeof addresses[i],
		    "127.0.0.%d:%d", i + 1, 1000 + i);
		argv[1 + 2 * i] = option;
		argv[2 + 2 * i] = addresses[i];
	}
	ck_assert_int_eq(read_all(2 * N - 1, argv), CLI_RUN);
	ck_assert_uint_eq(options->nlisten, DAEMON_ADDRESSES_MAX);
	for (int i = 0; i < DAEMON_ADDRESSES_MAX; i++) {
		char text[sizeof(struct address) + 1];
		(void)snprintf(text, sizeof text, "%s:%s",
		    options->listen[i].host, options->listen[i].port);
		ck_assert_str_eq(text, addresses[i]);
	}
	capture(STDERR_FILENO);
	ck_assert_int_eq(read_all(2 * N + 1, argv), CLI_BAD);
	ck_assert_ptr_nonnull(strstr(written(), "64"));
	capture_close();
}
END_TEST

START_TEST(word_that_is_no_option_is_refused)
{
	expect_refusal("--listen", "127.0.0.1:99999");
	capture(STDERR_FILENO);
	ck_assert_int_eq(read_option("--version", "more"), CLI_BAD);
	ck_assert_ptr_nonnull(strstr(written(), "'more' is no option"));
	capture_close();
}
END_TEST

START_TEST(a_default_is_written_as_it_is_printed)
{
	static char text[OPTION_TEXT_MAX];
	char program[] = "upcased";
	char *argv[] = {program, NULL};
	ck_assert_int_eq(read_all(1, argv), CLI_RUN);
	for (const struct option_row *row = daemon_rows; row->name; row++) {
		bool is_set = option_print(row, options, 0, text);
		bool is_switch = row->argument == NULL;
		ck_assert_int_eq(is_set, is_switch || row->preset != NULL);
		if (is_set)
			ck_assert_str_eq(text, is_switch ? "no" : row->preset);
		/* Without one, --help says what there is instead. */
		ck_assert_msg(
		    is_set || row->otherwise != NULL, "%s", row->name);
	}
}
END_TEST

START_TEST(a_reload_may_change_what_nothing_was_made_of_at_the_start)
{
	static const char *const fixed[] = {"config", "check", "workers",
	    "backend", "max-connections", "memory-limit", "congestion", "user",
	    "log", "log-connections", "metrics"};
	size_t n = 0;
	for (const struct option_row *row = daemon_rows; row->name; row++)
		n += !row->reloadable;
	ck_assert_uint_eq(n, LENGTH(fixed));
	for (int i = 0; i < LENGTH(fixed); i++)
		ck_assert(!option_find(daemon_rows, fixed[i])->reloadable);
}
END_TEST

static char path[] = "/tmp/check_options.XXXXXX";

static void
write_file(const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	ck_assert_int_eq(close(fd), 0);
}

static void
make_file(void)
{
	int fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(close(fd), 0);
	log_open("test", LOG_LEVEL_INFO);
}

static void
remove_file(void)
{
	(void)unlink(path);
}

/* What is in force for a file and a command line, which ends with NULL. */
static int
choose(const char *text, const char *const *words)
{
	static char copies[16][64];
	char *argv[18] = {copies[0], copies[1], copies[2]};
	int argc = 3;
	write_file(text);
	(void)snprintf(copies[0], sizeof copies[0], "upcased");
	(void)snprintf(copies[1], sizeof copies[1], "--config");
	(void)snprintf(copies[2], sizeof copies[2], "%s", path);
	for (; *words != NULL; words++) {
		(void)snprintf(copies[argc], sizeof copies[argc], "%s", *words);
		argv[argc] = copies[argc];
		argc++;
	}
	ck_assert_int_eq(read_all(argc, argv), CLI_RUN);
	return daemon_choose(&choice, &arguments);
}

#define WORDS(...)                                                             \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

static const char *const nothing[] = {NULL};

START_TEST(the_command_line_wins_key_by_key_and_a_list_replaces_a_list)
{
	static const char text[] =
	    "invalid = close\nlisten = 1\nlisten = 2\nidle-timeout = 5s\n";
	ck_assert_int_eq(choose(text, nothing), 0);
	ck_assert(choice.has_file);
	ck_assert_str_eq(choice.options.config, path);
	ck_assert_uint_eq(choice.options.nlisten, 2);
	ck_assert_str_eq(choice.options.listen[1].port, "2");
	ck_assert_uint_eq(choice.listen_lines[0], 2);
	ck_assert_uint_eq(choice.listen_lines[1], 3);
	ck_assert_uint_eq(choice.settings.idle_ms, 5000);
	ck_assert_int_eq(choice.settings.invalid, UPCASE_CLOSE);
	ck_assert_uint_eq(daemon_line(&choice, "idle-timeout"), 4);
	ck_assert_uint_eq(daemon_line(&choice, "stall-timeout"), 0);
	ck_assert_int_eq(
	    choose(text, WORDS("-l", "3", "--idle-timeout", "7s")), 0);
	ck_assert_uint_eq(choice.options.nlisten, 1);
	ck_assert_str_eq(choice.options.listen[0].port, "3");
	ck_assert_uint_eq(choice.listen_lines[0], 0);
	ck_assert_uint_eq(choice.settings.idle_ms, 7000);
	ck_assert_uint_eq(daemon_line(&choice, "idle-timeout"), 0);
	/* The default counts as well when it is given. */
	ck_assert_int_eq(choose(text, WORDS("--invalid", "pass")), 0);
	ck_assert_int_eq(choice.settings.invalid, UPCASE_PASS);
	ck_assert_uint_eq(choice.options.nlisten, 2);
}
END_TEST

START_TEST(what_is_taken_out_of_the_file_is_the_default_again)
{
	ck_assert_int_eq(choose("listen = 1\ninvalid = close\n", nothing), 0);
	ck_assert_int_eq(choose("", nothing), 0);
	ck_assert_str_eq(choice.options.listen[0].port, "5220");
	ck_assert_int_eq(choice.settings.invalid, UPCASE_PASS);
	ck_assert_uint_eq(choice.listen_lines[0], 0);
}
END_TEST

START_TEST(auto_is_one_worker_for_each_processor_of_the_start)
{
	ck_assert_int_eq(choose("workers = auto\n", nothing), 0);
	ck_assert_uint_eq(choice.options.server.workers, 0);
	ck_assert_uint_eq(choice.settings.workers, processors_count());
	arguments.processors = 77;
	ck_assert_int_eq(daemon_choose(&choice, &arguments), 0);
	ck_assert_uint_eq(choice.settings.workers, 77);
}
END_TEST

/* The outcome, and one line of the log that has the text. */
static void
expect_choice(
    int status, const char *text, const char *const *words, const char *line)
{
	capture(STDERR_FILENO);
	ck_assert_int_eq(choose(text, words), status);
	const char *log = written();
	ck_assert_msg(strstr(log, line) != NULL, "%s", log);
	ck_assert_ptr_eq(strchr(log, '\n'), strrchr(log, '\n'));
	capture_close();
}

START_TEST(a_memory_limit_must_do_for_all_workers)
{
	static const char text[] =
	    "memory-limit: 131072 bytes are less than 64K for each of 3 "
	    "workers; raise it, or lower workers\n";
	char line[256];
	expect_choice(EX_USAGE, "",
	    WORDS("--memory-limit", "128K", "--workers", "3"), text);
	ck_assert_int_eq(
	    choose("", WORDS("--memory-limit", "128K", "--workers", "2")), 0);
	(void)snprintf(line, sizeof line, "test: %s:2: %s", path, text);
	expect_choice(
	    EX_CONFIG, "\nmemory-limit = 128K", WORDS("-w", "3"), line);
	expect_choice(
	    EX_CONFIG, "\nworkers = 3", WORDS("--memory-limit", "128K"), line);
}
END_TEST

START_TEST(a_file_that_was_named_must_be_there)
{
	write_file("");
	remove_file();
	char words[3][64] = {"upcased", "--config", "x"};
	char *argv[] = {words[0], words[1], words[2], NULL};
	(void)snprintf(words[2], sizeof words[2], "%s", path);
	ck_assert_int_eq(read_all(3, argv), CLI_RUN);
	ck_assert_int_eq(daemon_choose(&choice, &arguments), EX_CONFIG);
	(void)snprintf(words[2], sizeof words[2], "none");
	ck_assert_int_eq(read_all(3, argv), CLI_RUN);
	ck_assert_int_eq(daemon_choose(&choice, &arguments), 0);
	ck_assert(!choice.has_file);
}
END_TEST

START_TEST(a_relative_file_is_that_of_the_directory_of_the_start)
{
	char words[3][64] = {"upcased", "--config", "x/y.conf"};
	char *argv[] = {words[0], words[1], words[2], NULL};
	ck_assert_int_eq(chdir("/usr"), 0);
	ck_assert_int_eq(read_all(3, argv), CLI_RUN);
	ck_assert_str_eq(options->config, "/usr/x/y.conf");
	(void)snprintf(words[2], sizeof words[2], "./none");
	ck_assert_int_eq(read_all(3, argv), CLI_RUN);
	ck_assert_str_eq(options->config, "/usr/./none");
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("daemon options");
	TCase *tcase = tcase_create("options");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, without_options_there_are_the_defaults);
	tcase_add_test(tcase, numbers_are_taken_exactly_between_their_bounds);
	tcase_add_test(tcase, sizes_are_bytes_or_a_number_of_their_unit);
	tcase_add_test(tcase, times_go_to_the_option_that_was_named);
	tcase_add_test(tcase, words_are_taken_whole);
	tcase_add_test(
	    tcase, addresses_are_kept_in_their_order_as_many_as_there_may_be);
	tcase_add_test(tcase, word_that_is_no_option_is_refused);
	tcase_add_test(tcase, a_default_is_written_as_it_is_printed);
	tcase_add_test(
	    tcase, a_reload_may_change_what_nothing_was_made_of_at_the_start);
	TCase *file = tcase_create("file");
	suite_add_tcase(suite, file);
	tcase_add_checked_fixture(file, make_file, remove_file);
	tcase_add_test(
	    file, the_command_line_wins_key_by_key_and_a_list_replaces_a_list);
	tcase_add_test(
	    file, what_is_taken_out_of_the_file_is_the_default_again);
	tcase_add_test(
	    file, auto_is_one_worker_for_each_processor_of_the_start);
	tcase_add_test(file, a_memory_limit_must_do_for_all_workers);
	tcase_add_test(file, a_file_that_was_named_must_be_there);
	tcase_add_test(
	    file, a_relative_file_is_that_of_the_directory_of_the_start);
	return suite;
}
