/* SPDX-License-Identifier: ISC */
/* When a line on a terminal is drawn, and what stands there then. */
#include "config.h"

#include "base/say.h"
#include "base/status_line.h"
#include "base/sys.h"
#include "unit/runner.h"

#include <sys/wait.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ends[2];
static struct status_line line;

static void
prepare(void)
{
	ck_assert_int_eq(sys_pipe(ends), 0);
	ck_assert_int_eq(setenv("TERM", "xterm", 1), 0);
	/* Check has handlers of its own. */
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	status_line_start(&line, ends[1], 1000, 200, 5000);
}

static void
end(void)
{
	(void)sys_close(ends[0]);
	(void)sys_close(ends[1]);
}

static const char *
written(void)
{
	static char text[1024];
	ssize_t n = sys_read(ends[0], text, sizeof text - 1);
	text[n == -1 ? 0 : n] = '\0';
	return text;
}

START_TEST(a_line_is_due_first_and_then_at_intervals)
{
	ck_assert_int_eq(status_line_wait(&line, 5000), 1000);
	ck_assert(!status_line_is_due(&line, 5999));
	ck_assert(status_line_is_due(&line, 6000));
	status_line_draw(&line, "a", 6100);
	ck_assert_int_eq(status_line_wait(&line, 6100), 200);
	ck_assert(!status_line_is_due(&line, 6299));
	ck_assert_int_eq(status_line_wait(&line, 6400), 0);
}
END_TEST

START_TEST(without_a_terminal_it_is_never_due)
{
	status_line_start(&line, -1, 1000, 200, 5000);
	ck_assert(!status_line_is_due(&line, 9000));
	ck_assert_int_eq(status_line_wait(&line, 9000), -1);
}
END_TEST

START_TEST(nothing_stays_of_a_longer_line)
{
	status_line_draw(&line, "longer", 6000);
	ck_assert_str_eq(written(), "\rlonger");
	status_line_draw(&line, "short", 6200);
	ck_assert_str_eq(written(), "\rshort ");
	/* And of Ctrl-C, as the terminal shows that. */
	status_line_erase(&line);
	ck_assert_str_eq(written(), "\r       \r");
}
END_TEST

START_TEST(what_was_not_drawn_is_not_erased)
{
	status_line_erase(&line);
	ck_assert_str_eq(written(), "");
	status_line_draw(&line, "a", 6000);
	status_line_erase(&line);
	(void)written();
	status_line_erase(&line);
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut)
{
	char text[100] = "";
	memset(text, 'a', sizeof text - 1);
	status_line_draw(&line, text, 6000);
	ck_assert_uint_eq(strlen(written()), STATUS_LINE_MAX);
	status_line_erase(&line);
	ck_assert_uint_eq(strlen(written()), STATUS_LINE_MAX + 1);
}
END_TEST

START_TEST(without_a_terminal_nothing_is_erased)
{
	status_line_start(&line, -1, 1000, 200, 5000);
	status_line_erase(&line);
	status_line_clear();
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_dumb_terminal_gets_no_line)
{
	ck_assert_int_eq(setenv("TERM", "dumb", 1), 0);
	status_line_start(&line, ends[1], 1000, 200, 5000);
	ck_assert_int_eq(status_line_wait(&line, 9000), -1);
}
END_TEST

/* As many as fit into a pipe, which takes no more then. */
START_TEST(a_terminal_that_takes_nothing_is_not_waited_for)
{
	static const char filling[512];
	status_line_draw(&line, "a", 6000);
	while (sys_write(ends[1], filling, sizeof filling) > 0)
		continue;
	status_line_draw(&line, "b", 6200);
	status_line_erase(&line);
	ck_assert_str_eq(written(), "\ra");
}
END_TEST

START_TEST(a_sentence_erases_the_line_that_stands_before_it)
{
	status_line_draw(&line, "a", 6000);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	say_as("prog");
	say("there is %s", "more");
	ck_assert_str_eq(written(), "\ra\r   \rprog: there is more\n");
	say_errno("again");
	ck_assert_ptr_null(strchr(written(), '\r'));
}
END_TEST

START_TEST(a_signal_erases_the_line_and_ends_the_program)
{
	static const int signos[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXCPU};
	for (int i = 0; i < LENGTH(signos); i++) {
		int status;
		pid_t child = fork();
		if (child == 0) {
			status_line_draw(&line, "a", 6000);
			(void)raise(signos[i]);
			_exit(EXIT_SUCCESS);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), signos[i]);
		ck_assert_str_eq(written(), "\ra\r   \r");
	}
}
END_TEST

/* A stop that never came about, since what ends it came first, does nothing. */
static void
stop_with_line(void)
{
	const char *shown;
	do {
		status_line_draw(&line, "a", 6000);
		(void)raise(SIGTSTP);
		shown = written();
	} while (strcmp(shown, "\ra") == 0);
	ck_assert_str_eq(shown, "\ra\r   \r");
}

START_TEST(a_stop_erases_the_line_which_then_is_drawn_again)
{
	/* Lets this go on, again and again, since a stop may come later. */
	pid_t child = fork();
	while (child == 0) {
		(void)kill(getppid(), SIGCONT);
		sys_sleep(1);
	}
	for (int i = 0; i < 2; i++) {
		stop_with_line();
		status_line_draw(&line, "b", 6200);
		ck_assert_str_eq(written(), "\rb");
		status_line_erase(&line);
		(void)written();
	}
	(void)kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

static void
note(int signo)
{
	(void)signo;
}

START_TEST(signals_that_the_program_handles_or_ignores_are_left_alone)
{
	struct sigaction action;
	(void)signal(SIGINT, note);
	(void)signal(SIGHUP, SIG_IGN);
	status_line_start(&line, ends[1], 1000, 200, 5000);
	ck_assert_int_eq(sigaction(SIGINT, NULL, &action), 0);
	ck_assert(action.sa_handler == note);
	ck_assert_int_eq(sigaction(SIGHUP, NULL, &action), 0);
	ck_assert(action.sa_handler == SIG_IGN);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("status line");
	TCase *shown = tcase_create("shown");
	tcase_add_checked_fixture(shown, prepare, end);
	tcase_add_test(shown, a_line_is_due_first_and_then_at_intervals);
	tcase_add_test(shown, without_a_terminal_it_is_never_due);
	tcase_add_test(shown, nothing_stays_of_a_longer_line);
	tcase_add_test(shown, what_was_not_drawn_is_not_erased);
	tcase_add_test(shown, a_line_that_is_too_long_is_cut);
	tcase_add_test(shown, without_a_terminal_nothing_is_erased);
	tcase_add_test(shown, a_dumb_terminal_gets_no_line);
	tcase_add_test(shown, a_terminal_that_takes_nothing_is_not_waited_for);
	tcase_add_test(shown, a_sentence_erases_the_line_that_stands_before_it);
	tcase_add_test(shown, a_signal_erases_the_line_and_ends_the_program);
	tcase_add_test(shown, a_stop_erases_the_line_which_then_is_drawn_again);
	tcase_add_test(
	    shown, signals_that_the_program_handles_or_ignores_are_left_alone);
	suite_add_tcase(suite, shown);
	return suite;
}
