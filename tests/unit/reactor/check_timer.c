/* SPDX-License-Identifier: ISC */
/* Lists and queues of deadlines, under a clock of the test's own. */
#include "config.h"

#include "base/owner.h"
#include "reactor/timer.h"
#include "unit/runner.h"

enum { SPAN = 100, NTIMERS = 4 };

struct item {
	struct timer timer;
	int nexpired;
};

static struct item items[NTIMERS];
static struct timers timers;
static struct timer_queue queue;
static uint64_t now;

/* The indices of the items that expired, in order. */
static int expiries[32];
static int nexpiries;

/* What a callback does besides. */
static void (*act)(struct item *);

static void
expired(struct timer *timer)
{
	struct item *item = OWNER_OF(timer, struct item, timer);
	expiries[nexpiries++] = (int)(item - items);
	item->nexpired++;
	if (act != NULL)
		act(item);
}

static void
prepare(void)
{
	nexpiries = 0;
	act = NULL;
	now = 1000;
	timers_init(&timers);
	timer_queue_init(&queue, &timers, SPAN, expired);
	for (int i = 0; i < NTIMERS; i++) {
		timer_init(&items[i].timer);
		items[i].nexpired = 0;
	}
}

/* One a millisecond. */
static void
arm_all(void)
{
	for (int i = 0; i < NTIMERS; i++)
		timer_arm(&queue, &items[i].timer, now++);
}

START_TEST(a_list_keeps_the_order_of_arrival)
{
	struct list list, links[3];
	list_init(&list);
	ck_assert(list_is_empty(&list));
	ck_assert_ptr_null(list_first(&list));
	for (int i = 0; i < 3; i++)
		list_append(&list, &links[i]);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_eq(list_first(&list), &links[i]);
		list_remove(&links[i]);
	}
	ck_assert(list_is_empty(&list));
}
END_TEST

START_TEST(a_link_leaves_from_anywhere_and_may_leave_twice)
{
	struct list list, links[3];
	list_init(&list);
	for (int i = 0; i < 3; i++)
		list_append(&list, &links[i]);
	for (int i = 0; i < 2; i++) {
		list_remove(&links[1]);
		ck_assert(list_is_empty(&links[1]));
		ck_assert_ptr_eq(list.next, &links[0]);
		ck_assert_ptr_eq(links[0].next, &links[2]);
		ck_assert_ptr_eq(links[2].next, &list);
		ck_assert_ptr_eq(list.prev, &links[2]);
		ck_assert_ptr_eq(links[2].prev, &links[0]);
		ck_assert_ptr_eq(links[0].prev, &list);
	}
}
END_TEST

START_TEST(a_replaced_link_gives_its_place_away)
{
	struct list list, links[3], fresh;
	list_init(&list);
	for (int i = 0; i < 3; i++)
		list_append(&list, &links[i]);
	list_replace(&links[1], &fresh);
	ck_assert(list_is_empty(&links[1]));
	ck_assert_ptr_eq(links[0].next, &fresh);
	ck_assert_ptr_eq(fresh.next, &links[2]);
	ck_assert_ptr_eq(links[2].prev, &fresh);
	ck_assert_ptr_eq(fresh.prev, &links[0]);
}
END_TEST

START_TEST(an_owner_is_found_from_its_link)
{
	ck_assert_ptr_eq(
	    OWNER_OF(&items[2].timer, struct item, timer), &items[2]);
	ck_assert_ptr_eq(
	    OWNER_OF(&items[2].nexpired, struct item, nexpired), &items[2]);
}
END_TEST

START_TEST(an_empty_queue_is_never_due)
{
	ck_assert_uint_eq(timers_due(&timers), TIMER_NEVER);
	timers_expire(&timers, TIMER_NEVER - 1, 10);
	ck_assert_int_eq(nexpiries, 0);
}
END_TEST

START_TEST(timers_expire_when_due_and_not_before_the_oldest_first)
{
	arm_all();
	ck_assert_uint_eq(timers_due(&timers), 1000 + SPAN);
	timers_expire(&timers, 1000 + SPAN - 1, 10);
	ck_assert_int_eq(nexpiries, 0);
	timers_expire(&timers, 1000 + SPAN, 10);
	ck_assert_int_eq(nexpiries, 1);
	ck_assert_uint_eq(timers_due(&timers), 1001 + SPAN);
	timers_expire(&timers, 1000 + 2 * SPAN, 10);
	ck_assert_int_eq(nexpiries, NTIMERS);
	for (int i = 0; i < NTIMERS; i++)
		ck_assert_int_eq(expiries[i], i);
	ck_assert_uint_eq(timers_due(&timers), TIMER_NEVER);
}
END_TEST

START_TEST(a_timer_that_is_armed_again_goes_to_the_end)
{
	arm_all();
	timer_arm(&queue, &items[0].timer, now);
	timers_expire(&timers, now + SPAN, 10);
	ck_assert_int_eq(nexpiries, NTIMERS);
	ck_assert_int_eq(expiries[0], 1);
	ck_assert_int_eq(expiries[NTIMERS - 1], 0);
}
END_TEST

START_TEST(a_deadline_that_was_put_off_is_looked_for_once)
{
	timer_arm(&queue, &items[0].timer, now);
	for (int i = 0; i < 10; i++)
		timer_arm(&queue, &items[0].timer, ++now);
	timers_expire(&timers, timers_due(&timers), 10);
	ck_assert_int_eq(nexpiries, 0);
	ck_assert_uint_eq(timers_due(&timers), now + SPAN);
	timer_disarm(&items[0].timer);
	timers_expire(&timers, timers_due(&timers), 10);
	ck_assert_int_eq(nexpiries, 0);
	ck_assert_uint_eq(timers_due(&timers), TIMER_NEVER);
}
END_TEST

START_TEST(the_set_is_due_with_the_soonest_of_its_queues)
{
	struct timer_queue others[2];
	timer_queue_init(&others[0], &timers, SPAN + 50, expired);
	timer_queue_init(&others[1], &timers, SPAN - 50, expired);
	timer_arm(&others[0], &items[0].timer, now);
	ck_assert_uint_eq(timers_due(&timers), now + SPAN + 50);
	timer_arm(&queue, &items[1].timer, now);
	ck_assert_uint_eq(timers_due(&timers), now + SPAN);
	timer_arm(&others[1], &items[2].timer, now);
	for (int i = 0; i < 3; i++) {
		uint64_t due = now + SPAN - 50 + 50 * (uint64_t)i;
		ck_assert_uint_eq(timers_due(&timers), due);
		timers_expire(&timers, due, 10);
		ck_assert_int_eq(nexpiries, i + 1);
		ck_assert_int_eq(expiries[i], 2 - i);
	}
}
END_TEST

START_TEST(a_restarted_queue_counts_from_now_on_and_keeps_its_order)
{
	arm_all();
	timer_queue_restart(&queue, 5, now);
	ck_assert_uint_eq(timers_due(&timers), now + 5);
	timers_expire(&timers, now + 4, 10);
	ck_assert_int_eq(nexpiries, 0);
	timers_expire(&timers, now + 5, 10);
	ck_assert_int_eq(nexpiries, NTIMERS);
	for (int i = 0; i < NTIMERS; i++)
		ck_assert_int_eq(expiries[i], i);
	timer_arm(&queue, &items[0].timer, now);
	ck_assert_uint_eq(timers_due(&timers), now + 5);
}
END_TEST

START_TEST(another_span_moves_what_is_armed_by_the_difference)
{
	static const uint64_t spans[] = {SPAN + 1, SPAN - 1, 5, 10 * SPAN, 60};
	for (int i = 0; i < LENGTH(spans); i++) {
		prepare();
		arm_all();
		now += 50;
		timer_queue_set_span(&queue, spans[i], now);
		for (int k = 0; k < NTIMERS; k++)
			ck_assert_uint_eq(
			    items[k].timer.due, 1000 + (uint64_t)k + spans[i]);
		/* May be too soon, but not too late. */
		ck_assert_uint_le(timers_due(&timers), 1000 + spans[i]);
		/* What is overdue expires at once, in its order. */
		timers_expire(&timers, now, 10);
		int overdue = spans[i] < 50 ? NTIMERS : 0;
		ck_assert_int_eq(nexpiries, overdue);
		if (overdue == 0)
			ck_assert_uint_eq(timers_due(&timers), 1000 + spans[i]);
		/* What is armed later is due later. */
		timer_arm(&queue, &items[0].timer, now);
		timers_expire(&timers, now + spans[i], 10);
		ck_assert_int_eq(nexpiries, overdue == 0 ? NTIMERS : 5);
		ck_assert_int_eq(expiries[nexpiries - 1], 0);
	}
}
END_TEST

START_TEST(there_and_back_nothing_has_changed)
{
	arm_all();
	timer_queue_set_span(&queue, 1, now + 70);
	timer_queue_set_span(&queue, 5 * SPAN, now + 80);
	timer_queue_set_span(&queue, SPAN, now + 90);
	for (int i = 0; i < NTIMERS; i++)
		ck_assert_uint_eq(
		    items[i].timer.due, 1000 + (uint64_t)i + SPAN);
}
END_TEST

START_TEST(from_and_to_never_it_counts_from_now_on)
{
	arm_all();
	now += 40;
	timer_queue_set_span(&queue, 0, now);
	timers_expire(&timers, now + 10 * SPAN, 10);
	ck_assert_int_eq(nexpiries, 0);
	ck_assert_uint_eq(timers_due(&timers), TIMER_NEVER);
	now += 10 * SPAN;
	timer_queue_set_span(&queue, 7, now);
	ck_assert_uint_eq(timers_due(&timers), now + 7);
	timers_expire(&timers, now + 6, 10);
	ck_assert_int_eq(nexpiries, 0);
	timers_expire(&timers, now + 7, 10);
	ck_assert_int_eq(nexpiries, NTIMERS);
	ck_assert_int_eq(expiries[0], 0);
	/* Never stays never. */
	timer_queue_set_span(&queue, 0, now);
	timer_arm(&queue, &items[0].timer, now);
	timer_queue_set_span(&queue, 0, now + 1);
	ck_assert_uint_eq(items[0].timer.due, TIMER_NEVER);
}
END_TEST

START_TEST(a_timer_may_change_its_queue)
{
	struct timer_queue other;
	timer_queue_init(&other, &timers, 7, expired);
	arm_all();
	timer_arm(&other, &items[0].timer, now);
	ck_assert_uint_eq(timers_due(&timers), now + 7);
	timers_expire(&timers, now + 7, 10);
	ck_assert_int_eq(nexpiries, 1);
	ck_assert_int_eq(expiries[0], 0);
	ck_assert_uint_eq(timers_due(&timers), 1001 + SPAN);
}
END_TEST

START_TEST(a_disarmed_timer_does_not_expire_and_may_be_disarmed_twice)
{
	timer_disarm(&items[1].timer);
	arm_all();
	timer_disarm(&items[1].timer);
	timer_disarm(&items[1].timer);
	timers_expire(&timers, now + SPAN, 10);
	ck_assert_int_eq(nexpiries, NTIMERS - 1);
	ck_assert_int_eq(items[1].nexpired, 0);
}
END_TEST

START_TEST(no_more_expire_than_asked_for)
{
	arm_all();
	timers_expire(&timers, now + SPAN, 0);
	ck_assert_int_eq(nexpiries, 0);
	timers_expire(&timers, now + SPAN, 3);
	ck_assert_int_eq(nexpiries, 3);
	timers_expire(&timers, now + SPAN, 3);
	ck_assert_int_eq(nexpiries, NTIMERS);
}
END_TEST

START_TEST(a_span_of_zero_is_queued_and_never_due)
{
	timers_init(&timers);
	timer_queue_init(&queue, &timers, 0, expired);
	arm_all();
	ck_assert_uint_eq(timers_due(&timers), TIMER_NEVER);
	timers_expire(&timers, now + (UINT64_C(1) << 40), 10);
	ck_assert_int_eq(nexpiries, 0);
	ck_assert_ptr_eq(list_first(&queue.armed), &items[0].timer.link);
}
END_TEST

static void
arm_again(struct item *item)
{
	timer_arm(&queue, &item->timer, now);
}

static void
disarm_the_next(struct item *item)
{
	if (item < &items[NTIMERS - 1])
		timer_disarm(&item[1].timer);
}

START_TEST(a_callback_may_arm_its_timer_for_later)
{
	arm_all();
	now += SPAN;
	act = arm_again;
	timers_expire(&timers, now, 10);
	ck_assert_int_eq(nexpiries, NTIMERS);
	ck_assert_uint_eq(timers_due(&timers), now + SPAN);
	timers_expire(&timers, now + SPAN, NTIMERS);
	ck_assert_int_eq(nexpiries, 2 * NTIMERS);
}
END_TEST

START_TEST(a_callback_may_disarm_one_that_is_due_as_well)
{
	arm_all();
	act = disarm_the_next;
	timers_expire(&timers, now + SPAN, 10);
	ck_assert_int_eq(nexpiries, 2);
	ck_assert_int_eq(expiries[0], 0);
	ck_assert_int_eq(expiries[1], 2);
	ck_assert_uint_eq(timers_due(&timers), TIMER_NEVER);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("timer");
	TCase *list = tcase_create("list");
	tcase_add_test(list, a_list_keeps_the_order_of_arrival);
	tcase_add_test(list, a_link_leaves_from_anywhere_and_may_leave_twice);
	tcase_add_test(list, a_replaced_link_gives_its_place_away);
	tcase_add_test(list, an_owner_is_found_from_its_link);
	suite_add_tcase(suite, list);

	TCase *timer = tcase_create("timer");
	tcase_add_checked_fixture(timer, prepare, NULL);
	tcase_add_test(timer, an_empty_queue_is_never_due);
	tcase_add_test(
	    timer, timers_expire_when_due_and_not_before_the_oldest_first);
	tcase_add_test(timer, a_timer_that_is_armed_again_goes_to_the_end);
	tcase_add_test(timer, a_deadline_that_was_put_off_is_looked_for_once);
	tcase_add_test(timer, the_set_is_due_with_the_soonest_of_its_queues);
	tcase_add_test(
	    timer, a_restarted_queue_counts_from_now_on_and_keeps_its_order);
	tcase_add_test(
	    timer, another_span_moves_what_is_armed_by_the_difference);
	tcase_add_test(timer, there_and_back_nothing_has_changed);
	tcase_add_test(timer, from_and_to_never_it_counts_from_now_on);
	tcase_add_test(timer, a_timer_may_change_its_queue);
	tcase_add_test(
	    timer, a_disarmed_timer_does_not_expire_and_may_be_disarmed_twice);
	tcase_add_test(timer, no_more_expire_than_asked_for);
	tcase_add_test(timer, a_span_of_zero_is_queued_and_never_due);
	tcase_add_test(timer, a_callback_may_arm_its_timer_for_later);
	tcase_add_test(timer, a_callback_may_disarm_one_that_is_due_as_well);
	suite_add_tcase(suite, timer);
	return suite;
}
