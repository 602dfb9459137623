/* SPDX-License-Identifier: ISC */
/* The state machine, held against the drawing in conn_state.h. */
#include "config.h"

#include "server/conn_state.h"
#include "unit/runner.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A cell that cannot occur. */
enum { NONE = -1 };

/*
 * The arrows of the drawing, one by one.  What is not listed here, and is no
 * event that keeps or closes every live state, cannot occur.
 */
static const struct arrow {
	enum conn_state from;
	enum conn_event event;
	enum conn_state to;
} arrows[] = {
    {CONN_RECEIVING, CONN_DATA, CONN_SENDING},
    {CONN_RECEIVING, CONN_EOF, CONN_FINISHING},
    {CONN_RECEIVING, CONN_REFUSED, CONN_ENDING},
    {CONN_RECEIVING, CONN_EXPIRED, CONN_ENDING},
    {CONN_SENDING, CONN_FLUSHED, CONN_RECEIVING},
    {CONN_SENDING, CONN_EXPIRED, CONN_CLOSED},
    {CONN_FINISHING, CONN_FLUSHED, CONN_DELIVERING},
    {CONN_FINISHING, CONN_EXPIRED, CONN_CLOSED},
    {CONN_ENDING, CONN_FLUSHED, CONN_LINGERING},
    {CONN_ENDING, CONN_EXPIRED, CONN_CLOSED},
    {CONN_LINGERING, CONN_EOF, CONN_DELIVERING},
    {CONN_LINGERING, CONN_EXPIRED, CONN_DELIVERING},
    {CONN_DELIVERING, CONN_FLUSHED, CONN_CLOSED},
    {CONN_DELIVERING, CONN_EXPIRED, CONN_CLOSED},
    {CONN_GREETING, CONN_GREETED, CONN_RECEIVING},
    {CONN_GREETING, CONN_REFUSED, CONN_CLOSED},
    {CONN_GREETING, CONN_EXPIRED, CONN_CLOSED},
};

enum { NARROWS = sizeof arrows / sizeof arrows[0] };

static int
expected(enum conn_state state, enum conn_event event)
{
	if (state == CONN_CLOSED)
		return NONE;
	if (event == CONN_NOTHING || event == CONN_MOVED)
		return (int)state;
	if (event == CONN_EVICTED || event == CONN_FAILED)
		return CONN_CLOSED;
	for (int i = 0; i < NARROWS; i++) {
		if (arrows[i].from == state && arrows[i].event == event)
			return (int)arrows[i].to;
	}
	return NONE;
}

/* The table as it is. */
static int
actual(int state, int event)
{
	if (!conn_state_allows((enum conn_state)state, (enum conn_event)event))
		return NONE;
	return (int)conn_state_next(
	    (enum conn_state)state, (enum conn_event)event);
}

static const char *
target_name(int target)
{
	if (target == NONE)
		return "nothing";
	return conn_state_name((enum conn_state)target);
}

static void
expect_cell(int state, int event, int target)
{
	int next = actual(state, event);
	ck_assert_msg(next == target, "%s, %s: %s, not %s",
	    conn_state_name((enum conn_state)state),
	    conn_event_name((enum conn_event)event), target_name(next),
	    target_name(target));
}

/* One test for each cell. */
START_TEST(cell_is_as_drawn)
{
	int state = _i / CONN_NEVENTS, event = _i % CONN_NEVENTS;
	expect_cell(state, event,
	    expected((enum conn_state)state, (enum conn_event)event));
}
END_TEST

START_TEST(nothing_and_moved_never_change_the_state)
{
	for (int state = 0; state < CONN_CLOSED; state++) {
		expect_cell(state, CONN_NOTHING, state);
		expect_cell(state, CONN_MOVED, state);
	}
}
END_TEST

START_TEST(eviction_and_failure_close_from_every_live_state)
{
	for (int state = 0; state < CONN_CLOSED; state++) {
		expect_cell(state, CONN_EVICTED, CONN_CLOSED);
		expect_cell(state, CONN_FAILED, CONN_CLOSED);
	}
}
END_TEST

START_TEST(deadline_ends_every_live_state)
{
	for (int state = 0; state < CONN_CLOSED; state++) {
		int next = actual(state, CONN_EXPIRED);
		ck_assert_msg(next == CONN_CLOSED || next > state, "%s: %s",
		    conn_state_name((enum conn_state)state), target_name(next));
	}
}
END_TEST

START_TEST(output_left_over_can_only_come_while_receiving)
{
	for (int state = 0; state < CONN_NSTATES; state++) {
		int next = actual(state, CONN_DATA);
		ck_assert_msg((next != NONE) == (state == CONN_RECEIVING),
		    "%s: %s", conn_state_name((enum conn_state)state),
		    target_name(next));
	}
}
END_TEST

START_TEST(no_way_leads_back_from_the_end)
{
	for (int state = CONN_FINISHING; state <= CONN_DELIVERING; state++) {
		for (int event = 0; event < CONN_NEVENTS; event++) {
			int next = actual(state, event);
			ck_assert_msg(next == NONE || next >= state,
			    "%s, %s: %s",
			    conn_state_name((enum conn_state)state),
			    conn_event_name((enum conn_event)event),
			    target_name(next));
		}
	}
}
END_TEST

START_TEST(no_way_leads_back_to_the_header)
{
	for (int state = 0; state < CONN_GREETING; state++) {
		for (int event = 0; event < CONN_NEVENTS; event++)
			ck_assert_int_ne(actual(state, event), CONN_GREETING);
	}
}
END_TEST

START_TEST(closed_can_be_reached_from_every_state_without_a_failure)
{
	bool reaches[CONN_NSTATES] = {[CONN_CLOSED] = true};
	/* As many rounds as the longest way has steps. */
	for (int round = 0; round < CONN_NSTATES; round++) {
		for (int state = 0; state < CONN_NSTATES; state++) {
			for (int event = 0; event < CONN_EVICTED; event++) {
				int next = actual(state, event);
				if (next != NONE && reaches[next])
					reaches[state] = true;
			}
		}
	}
	for (int state = 0; state < CONN_NSTATES; state++)
		ck_assert_msg(reaches[state], "%s",
		    conn_state_name((enum conn_state)state));
}
END_TEST

START_TEST(closed_allows_nothing)
{
	for (int event = 0; event < CONN_NEVENTS; event++)
		expect_cell(CONN_CLOSED, event, NONE);
}
END_TEST

START_TEST(every_state_and_event_has_a_name_of_its_own)
{
	const char *names[CONN_NSTATES + CONN_NEVENTS];
	int n = 0;
	for (int i = 0; i < CONN_NSTATES; i++)
		names[n++] = conn_state_name((enum conn_state)i);
	for (int i = 0; i < CONN_NEVENTS; i++)
		names[n++] = conn_event_name((enum conn_event)i);
	for (int i = 0; i < n; i++) {
		ck_assert_ptr_nonnull(names[i]);
		ck_assert_uint_gt(strlen(names[i]), 0);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(names[i], names[j]);
	}
}
END_TEST

START_TEST(pair_that_cannot_occur_ends_the_program)
{
	/* The assertion's own line is no part of the test's output. */
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	(void)conn_state_next(CONN_CLOSED, CONN_MOVED);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("conn_state");
	TCase *table = tcase_create("table");
	suite_add_tcase(suite, table);
	tcase_add_loop_test(
	    table, cell_is_as_drawn, 0, CONN_NSTATES * CONN_NEVENTS);
	tcase_add_test(table, nothing_and_moved_never_change_the_state);
	tcase_add_test(table, eviction_and_failure_close_from_every_live_state);
	tcase_add_test(table, deadline_ends_every_live_state);
	tcase_add_test(table, output_left_over_can_only_come_while_receiving);
	tcase_add_test(table, no_way_leads_back_from_the_end);
	tcase_add_test(table, no_way_leads_back_to_the_header);
	tcase_add_test(
	    table, closed_can_be_reached_from_every_state_without_a_failure);
	tcase_add_test(table, closed_allows_nothing);
	tcase_add_test(table, every_state_and_event_has_a_name_of_its_own);
	tcase_add_test_raise_signal(
	    table, pair_that_cannot_occur_ends_the_program, SIGABRT);
	return suite;
}
