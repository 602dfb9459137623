/* SPDX-License-Identifier: ISC */
/*
 * poll(2), everywhere.
 *
 * The array that poll takes has no gaps: the last entry moves into the place
 * of one that is removed.  Another array says for each descriptor where its
 * entry is.  They only grow, and only for a descriptor that was wanted for
 * nothing, so that a change between input and output cannot fail.
 */
#include "config.h"

#include "reactor/poller_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct poller_poll {
	struct poller poller;
	struct pollfd *entries; /* what poll is asked for */
	void **owners;          /* of the entry with the same index */
	int nentries;
	int *places;    /* by descriptor: its entry */
	int capacity;   /* of the three arrays */
	int next_entry; /* where the next scan starts, so that all get a turn */
};

static int
poll_open(struct poller *poller)
{
	/* The arrays are allocated for the first descriptor. */
	(void)poller;
	return 0;
}

static void
poll_close(struct poller *poller)
{
	struct poller_poll *self = (struct poller_poll *)poller;
	free(self->entries);
	free(self->owners);
	free(self->places);
}

/* Makes room for the descriptor, in all arrays up to its number. */
static int
make_room(struct poller_poll *self, int fd)
{
	if (fd < self->capacity)
		return 0;
	/* Twice what is needed, so that many descriptors seldom move them. */
	int capacity = 2 * (fd + 1);
	size_t n = (size_t)capacity;
	/* An array that grew is kept, even if a later one does not grow. */
	struct pollfd *entries = realloc(self->entries, n * sizeof *entries);
	if (entries == NULL)
		return -1;
	self->entries = entries;
	void **owners = realloc(self->owners, n * sizeof *owners);
	if (owners == NULL)
		return -1;
	self->owners = owners;
	int *places = realloc(self->places, n * sizeof *places);
	if (places == NULL)
		return -1;
	self->places = places;
	self->capacity = capacity;
	return 0;
}

static void
remove_entry(struct poller_poll *self, int fd)
{
	int place = self->places[fd];
	int last = --self->nentries;
	self->entries[place] = self->entries[last];
	self->owners[place] = self->owners[last];
	self->places[self->entries[place].fd] = place;
}

static int
poll_set(struct poller *poller, int fd, enum poller_interest had,
    enum poller_interest wants, void *owner)
{
	struct poller_poll *self = (struct poller_poll *)poller;
	if (wants == POLLER_NOTHING) {
		remove_entry(self, fd);
		return 0;
	}
	if (had == POLLER_NOTHING) {
		if (make_room(self, fd) == -1)
			return -1;
		self->places[fd] = self->nentries++;
	}
	int place = self->places[fd];
	self->owners[place] = owner;
	self->entries[place] = (struct pollfd){
	    .fd = fd,
	    .events = wants == POLLER_INPUT ? POLLIN : POLLOUT,
	};
	return 0;
}

static void
poll_forget(struct poller *poller, int fd, enum poller_interest had)
{
	(void)had;
	remove_entry((struct poller_poll *)poller, fd);
}

static int
poll_wait(struct poller *poller, void **ready, int nready, int timeout_ms)
{
	struct poller_poll *self = (struct poller_poll *)poller;
	int left = poll(self->entries, (nfds_t)self->nentries, timeout_ms);
	if (left == -1)
		return errno == EINTR ? 0 : -1;
	int n = 0;
	int place = self->next_entry;
	for (int seen = 0; seen < self->nentries && left > 0 && n < nready;
	     seen++, place++) {
		if (place >= self->nentries)
			place = 0;
		if (self->entries[place].revents == 0)
			continue;
		ready[n++] = self->owners[place];
		left--;
	}
	self->next_entry = place;
	return n;
}

const struct poller_ops poller_poll = {
    .name = "poll",
    .size = sizeof(struct poller_poll),
    .open = poll_open,
    .close = poll_close,
    .set = poll_set,
    .forget = poll_forget,
    .wait = poll_wait,
};
