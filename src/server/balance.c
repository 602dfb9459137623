/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/balance.h"

#include <stdatomic.h>

/*
 * How long after an end, in ms, the loads are looked at.  While a look does not
 * help, each time doubles, to the last.
 */
enum { CHECK_MS = 100, CHECK_MOST_MS = 1600 };

/*
 * How many connections are recalled at once.  Each costs two workers a few
 * microseconds, in which they serve nobody.
 */
enum { RECALLED_MOST = 256 };

static void check(struct timer *);

void
balance_init(
    struct balance *balance, struct loop *loop, struct counters *counters)
{
	*balance = (struct balance){.loop = loop, .counters = counters};
	timer_queue_init(&balance->checks, loop_timers(loop), CHECK_MS, check);
	timer_init(&balance->check);
}

void
balance_start(struct balance *balance, struct worker *workers,
    unsigned nworkers, struct worker_reports *reports)
{
	balance->workers = workers;
	balance->nworkers = nworkers;
	balance->reports = reports;
	balance->looks = reports != NULL;
	if (balance->looks)
		atomic_store(&reports->wanted, true);
}

void
balance_end(struct balance *balance)
{
	balance->looks = false;
	timer_disarm(&balance->check);
}

struct load
balance_measure(const struct balance *balance)
{
	struct load load = {.least = SIZE_MAX};
	for (unsigned i = 0; i < balance->nworkers; i++) {
		size_t n = worker_load(&balance->workers[i]);
		load.sum += n;
		load.least = n < load.least ? n : load.least;
		load.most = n > load.most ? n : load.most;
	}
	return load;
}

/* The worker with the fewest connections. */
static struct worker *
find_least(const struct balance *balance)
{
	struct worker *least = &balance->workers[0];
	for (unsigned i = 1; i < balance->nworkers; i++) {
		struct worker *worker = &balance->workers[i];
		if (worker_load(worker) < worker_load(least))
			least = worker;
	}
	return least;
}

void
balance_hand(struct balance *balance, int fd)
{
	worker_hand(find_least(balance), fd);
}

/*
 * Plans one move, from who is to have the most to who is to have the fewest.
 * Returns false when they are level, but for those that could not give what was
 * last recalled from them: they may take, and are asked again next time.
 */
static bool
plan_move(struct balance *balance)
{
	size_t *least = &balance->shares[0].planned;
	size_t *most = NULL;
	for (unsigned i = 0; i < balance->nworkers; i++) {
		size_t *planned = &balance->shares[i].planned;
		if (*planned < *least)
			least = planned;
		if (balance->shares[i].owed == 0 &&
		    (most == NULL || *planned > *most))
			most = planned;
	}
	if (most == NULL || *most <= *least + 1)
		return false;
	--*most;
	++*least;
	return true;
}

static void
recall(struct balance *balance)
{
	for (unsigned i = 0; i < balance->nworkers; i++)
		balance->shares[i].planned = worker_load(&balance->workers[i]);
	for (int n = 0; n < RECALLED_MOST && plan_move(balance); n++)
		continue;
	for (unsigned i = 0; i < balance->nworkers; i++) {
		struct worker *worker = &balance->workers[i];
		size_t n = worker_load(worker);
		size_t planned = balance->shares[i].planned;
		balance->shares[i].owed = n > planned ? n - planned : 0;
		if (n > planned)
			worker_recall(worker, n - planned);
	}
}

static void
arm(struct balance *balance, uint64_t ms)
{
	uint64_t now = loop_now(balance->loop);
	timer_queue_set_span(&balance->checks, ms, now);
	timer_arm(&balance->checks, &balance->check, now);
}

static void
check(struct timer *timer)
{
	struct balance *balance = LIST_OWNER(timer, struct balance, check);
	uint64_t twice = 2 * balance->checks.span;
	/* First the wish, lest an end between the two be seen by neither. */
	atomic_store(&balance->reports->wanted, true);
	struct load load = balance_measure(balance);
	if (load.most - load.least <= 1)
		return;
	recall(balance);
	/* Those in the midst of a message may be had later. */
	arm(balance, twice < CHECK_MOST_MS ? twice : CHECK_MOST_MS);
}

/* Hands what a worker gave back to who has the fewest now. */
static void
take_back(struct balance *balance, unsigned i)
{
	struct worker *worker = &balance->workers[i];
	int fd;
	while ((fd = worker_take_back(worker)) != -1) {
		struct worker *least = find_least(balance);
		if (least != worker)
			counters_add(balance->counters, COUNTER_MIGRATED, 1);
		if (balance->shares[i].owed > 0)
			balance->shares[i].owed--;
		worker_hand(least, fd);
	}
}

void
balance_hear(struct balance *balance)
{
	for (unsigned i = 0; i < balance->nworkers; i++)
		take_back(balance, i);
	if (!balance->looks)
		return;
	if (!timer_is_armed(&balance->check) || balance->checks.span > CHECK_MS)
		arm(balance, CHECK_MS);
}
