/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/race.h"

#include "base/sys.h"
#include "net/dial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
	/* Between the beginnings of two attempts (RFC 8305, section 8). */
	DELAY_MS = 250,
	/* No more go on at once; the next waits until one of them fails. */
	ATTEMPTS_MAX = 16
};

struct attempt {
	const struct addrinfo *address;
	uint64_t deadline; /* ms */
};

struct race {
	/* What is left to try: of the family of the first, and of others. */
	const struct addrinfo *left[2];
	int family; /* of the first */
	int turn;   /* which of the two is next, if it has any left */

	/* Those that go on, and what poll(2) is asked of them. */
	struct attempt attempts[ATTEMPTS_MAX];
	struct pollfd rows[ATTEMPTS_MAX];
	nfds_t n;

	uint64_t next_start; /* ms */
	uint32_t timeout;
	char *tried;
};

/* The first from there on that is, or is not, of the family of the first. */
static const struct addrinfo *
skip(const struct race *race, const struct addrinfo *from, int which)
{
	while (from != NULL && (from->ai_family != race->family) != which)
		from = from->ai_next;
	return from;
}

static bool
has_more(const struct race *race)
{
	return race->left[0] != NULL || race->left[1] != NULL;
}

static bool
has_room(const struct race *race)
{
	return race->n < ATTEMPTS_MAX;
}

/* The next address to try, of which there is one. */
static const struct addrinfo *
take_address(struct race *race)
{
	int which = race->left[race->turn] != NULL ? race->turn : !race->turn;
	const struct addrinfo *address = race->left[which];
	race->left[which] = skip(race, address->ai_next, which);
	race->turn = !which;
	return address;
}

/* Adds "ADDRESS: reason" to the list, or nothing when it does not fit. */
static void
add_tried(char *tried, const struct addrinfo *address, int error)
{
	char text[ADDRESS_TEXT_MAX];
	size_t end = strlen(tried);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads. */
	const char *reason = strerror(error);
	int n = snprintf(tried + end, RACE_TRIED_MAX - end, "%s%s: %s",
	    end == 0 ? "" : "; ", address_format(address->ai_addr, text),
	    reason);
	if (n < 0 || (size_t)n >= RACE_TRIED_MAX - end)
		tried[end] = '\0';
}

static void
start_next(struct race *race, uint64_t now)
{
	const struct addrinfo *address = take_address(race);
	int fd = sys_socket(address->ai_family);
	if (fd != -1 && dial_start(fd, address) == 0) {
		race->attempts[race->n] = (struct attempt){
		    .address = address,
		    .deadline = now + race->timeout,
		};
		race->rows[race->n++] =
		    (struct pollfd){.fd = fd, .events = POLLOUT};
		race->next_start = now + DELAY_MS;
		return;
	}
	add_tried(race->tried, address, errno);
	race->next_start = now;
	if (fd != -1)
		(void)sys_close(fd);
}

/* Takes attempt i, which has failed, out; the next may begin at once. */
static void
drop(struct race *race, nfds_t i, int error, uint64_t now)
{
	add_tried(race->tried, race->attempts[i].address, error);
	(void)sys_close(race->rows[i].fd);
	race->n--;
	nfds_t behind = race->n - i;
	memmove(&race->attempts[i], &race->attempts[i + 1],
	    behind * sizeof race->attempts[0]);
	memmove(
	    &race->rows[i], &race->rows[i + 1], behind * sizeof race->rows[0]);
	race->next_start = now;
}

/* Milliseconds until an attempt has to begin or to end; -1: none has to. */
static int
time_left(const struct race *race, uint64_t now)
{
	uint64_t until = UINT64_MAX;
	if (has_more(race) && has_room(race))
		until = race->next_start;
	/* The oldest attempt is the first to be late. */
	if (race->timeout != 0 && race->attempts[0].deadline < until)
		until = race->attempts[0].deadline;
	if (until == UINT64_MAX)
		return -1;
	return now < until ? (int)(until - now) : 0;
}

/* Takes out those that have failed; returns the first that has connected. */
static nfds_t
find_winner(struct race *race, uint64_t now)
{
	nfds_t i = 0;
	while (i < race->n) {
		int error = EAGAIN;
		if (race->rows[i].revents != 0)
			error = dial_finish(race->rows[i].fd);
		if (error == 0)
			return i;
		if (error == EAGAIN && race->timeout != 0 &&
		    now >= race->attempts[i].deadline)
			error = ETIMEDOUT;
		if (error == EAGAIN)
			i++;
		else
			drop(race, i, error, now);
	}
	return i;
}

/* Waits for the attempts that go on; true: *winner is connected. */
static bool
await(struct race *race, nfds_t *winner)
{
	int n = poll(race->rows, race->n, time_left(race, sys_now()));
	if (n == -1 && errno != EINTR) {
		drop(race, 0, errno, sys_now());
		return false;
	}
	if (n == -1)
		return false;
	*winner = find_winner(race, sys_now());
	return *winner < race->n;
}

int
race_run(const struct addrinfo *list, uint32_t timeout,
    const struct addrinfo **winner, char tried[static RACE_TRIED_MAX])
{
	struct race race = {
	    .family = list->ai_family,
	    .timeout = timeout,
	    .tried = tried,
	};
	race.left[0] = skip(&race, list, 0);
	race.left[1] = skip(&race, list, 1);
	tried[0] = '\0';
	nfds_t first = ATTEMPTS_MAX;
	while (race.n > 0 || has_more(&race)) {
		uint64_t now = sys_now();
		if (has_more(&race) && has_room(&race) &&
		    (race.n == 0 || now >= race.next_start))
			start_next(&race, now);
		else if (await(&race, &first))
			break;
	}
	int fd = -1;
	for (nfds_t i = 0; i < race.n; i++) {
		if (i == first) {
			fd = race.rows[i].fd;
			*winner = race.attempts[i].address;
		} else {
			(void)sys_close(race.rows[i].fd);
		}
	}
	return fd;
}
