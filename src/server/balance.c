/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "balance.h"

#include <stdatomic.h>
#include <stdint.h>

/* How long after an end, in ms, the loads are looked at. */
enum { CHECK_MS = 100 };

/*
 * How many connections a worker is asked for at once.  Each costs it a
 * microsecond or so, in which it serves nobody.
 */
enum { ASKED_MOST = 256 };

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

void
balance_hand(struct balance *balance, int fd)
{
	struct worker *least = &balance->workers[0];
	for (unsigned i = 1; i < balance->nworkers; i++) {
		struct worker *worker = &balance->workers[i];
		if (worker_load(worker) < worker_load(least))
			least = worker;
	}
	worker_hand(least, fd);
}

/*
 * Asks those that have more than their share for the rest.  Where the sum
 * leaves a remainder a few too many come, and go to whoever has the fewest.
 */
static void
ask_back(const struct balance *balance, size_t sum)
{
	size_t share = sum / balance->nworkers;
	for (unsigned i = 0; i < balance->nworkers; i++) {
		struct worker *worker = &balance->workers[i];
		size_t n = worker_load(worker);
		size_t surplus = n > share ? n - share : 0;
		if (surplus > 0)
			worker_ask_back(worker,
			    surplus < ASKED_MOST ? surplus : ASKED_MOST);
	}
}

static void
arm(struct balance *balance)
{
	timer_arm(&balance->checks, &balance->check, loop_now(balance->loop));
}

static void
check(struct timer *timer)
{
	struct balance *balance = LIST_OWNER(timer, struct balance, check);
	/* First the wish, lest an end between the two be seen by neither. */
	atomic_store(&balance->reports->wanted, true);
	struct load load = balance_measure(balance);
	if (load.most - load.least <= 1)
		return;
	ask_back(balance, load.sum);
	/* Those in the midst of a message may be had later. */
	arm(balance);
}

static void
take_back(struct balance *balance)
{
	for (unsigned i = 0; i < balance->nworkers; i++) {
		int fd;
		while ((fd = worker_take_back(&balance->workers[i])) != -1) {
			counters_add(balance->counters, COUNTER_MOVED, 1);
			balance_hand(balance, fd);
		}
	}
}

void
balance_hear(struct balance *balance)
{
	take_back(balance);
	if (balance->looks && list_is_empty(&balance->check.link))
		arm(balance);
}
