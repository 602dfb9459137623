/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "unit/reactor/loop_fixture.h"

#include "base/owner.h"
#include "base/sys.h"

#include <sys/socket.h>

struct loop *loop;
struct side *latest;
unsigned nexpired;

void
open_loop(int i)
{
	nexpired = 0;
	loop = loop_open(poller_backend((size_t)i));
	ck_assert_ptr_nonnull(loop);
}

static void
called(struct watch *watch)
{
	latest = OWNER_OF(watch, struct side, watch);
	latest->ncalls++;
	if (latest->act != NULL)
		latest->act(latest);
}

void
expired(struct timer *timer)
{
	struct side *side = OWNER_OF(timer, struct side, timer);
	side->expired_at = sys_now();
	side->order = ++nexpired;
	if (side->act != NULL)
		side->act(side);
}

void
side_open(struct side *side, void (*act)(struct side *))
{
	int ends[2];
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	ck_assert_int_eq(sys_send(ends[1], "a", 1), 1);
	*side = (struct side){.peer = ends[1], .act = act};
	watch_init(&side->watch, ends[0], called);
	timer_init(&side->timer);
}

void
side_watch(struct side *side, enum poller_interest wants)
{
	ck_assert_int_eq(loop_watch(loop, &side->watch, wants), 0);
	ck_assert_int_eq(side->watch.wants, wants);
}

void
side_close(struct side *side)
{
	loop_unwatch(loop, &side->watch);
	ck_assert_int_eq(sys_close(side->watch.fd), 0);
	ck_assert_int_eq(sys_close(side->peer), 0);
}

void
arm(struct timer_queue *timers, uint64_t span, struct side *side)
{
	timer_queue_init(timers, loop_timers(loop), span, expired);
	timer_init(&side->timer);
	timer_arm(timers, &side->timer, loop_now(loop));
}

void
turn(void)
{
	ck_assert_int_eq(loop_turn(loop), 0);
}
