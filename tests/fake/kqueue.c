/* SPDX-License-Identifier: ISC */
/*
 * A stand-in for kqueue(2), made of poll(2), for tests on systems that have
 * none.  It was written from the manual page.  It proves that our back end
 * follows our reading of that page, and nothing about any kernel.
 *
 * It has EVFILT_READ and EVFILT_WRITE, level-triggered, with EV_ADD and
 * EV_DELETE; data and fflags of an event are 0, since our code does not look at
 * them.  A filter goes when its descriptor is closed, which the next call
 * notices by the inode: each socket and pipe has its own.  There may be many
 * kqueues, but only one thread may use each.
 *
 * KQUEUE_FAKE, read by kqueue(), makes it nastier than a kernel.  It is a list
 * of these words, with commas between them:
 *
 *	eintr=N  every Nth call makes its changes and then fails with EINTR;
 *	         N is 2 or more
 *	reverse  the events come in the reverse order
 *	single   one event a call
 *	untrue   every third wait reports something that is not ready
 */
#include "config.h"

#include <sys/event.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number of filters, EVFILT_READ and EVFILT_WRITE. */
enum { FILTERS = 2 };

/* With untrue, every wait of this many reports something. */
enum { UNTRUE_PERIOD = 3 };

/* Says which open file a descriptor is. */
struct identity {
	dev_t device;
	ino_t inode;
};

struct knote {
	bool is_set;
	struct identity file;
	void *udata;
};

struct kqueue {
	struct identity file;
	struct knote *knotes;   /* FILTERS for each descriptor number */
	struct pollfd *entries; /* of those that are set, in their order */
	size_t *sources;        /* of each entry: the index of its knote */
	size_t nknotes;         /* the capacity of the three arrays */
	size_t next;            /* the index where the next scan starts */
	bool reverse, single, untrue;
	unsigned long eintr, ncalls, nwaits;
};

/* All kqueues by descriptor; a closed one stays until its number is reused. */
static struct kqueue **kqueues;
static size_t nkqueues;
static pthread_mutex_t kqueues_lock = PTHREAD_MUTEX_INITIALIZER;

static int
identify(int fd, struct identity *file)
{
	struct stat status;
	if (fstat(fd, &status) == -1)
		return -1;
	*file = (struct identity){status.st_dev, status.st_ino};
	return 0;
}

static bool
is_open(int fd, const struct identity *file)
{
	struct identity present;
	return identify(fd, &present) == 0 && present.device == file->device &&
	       present.inode == file->inode;
}

static void
read_modes(struct kqueue *self)
{
	const char *mode = getenv("KQUEUE_FAKE");
	while (mode != NULL && *mode != '\0') {
		size_t length = strcspn(mode, ",");
		if (strncmp(mode, "eintr=", 6) == 0)
			self->eintr = strtoul(mode + 6, NULL, 10);
		else if (length == 7 && strncmp(mode, "reverse", 7) == 0)
			self->reverse = true;
		else if (length == 6 && strncmp(mode, "single", 6) == 0)
			self->single = true;
		else if (length == 6 && strncmp(mode, "untrue", 6) == 0)
			self->untrue = true;
		else
			abort();
		mode += length + (mode[length] == ',');
	}
}

static void
release(struct kqueue *self)
{
	if (self == NULL)
		return;
	free(self->knotes);
	free(self->entries);
	free(self->sources);
	free(self);
}

/* Enters the kqueue under its descriptor; -1 with ENOMEM. */
static int
enlist(int fd, struct kqueue *self)
{
	struct kqueue *closed = NULL;
	int result = -1;
	size_t n = (size_t)fd + 1;
	pthread_mutex_lock(&kqueues_lock);
	if (nkqueues < n) {
		struct kqueue **fresh = realloc(kqueues, n * sizeof *kqueues);
		if (fresh == NULL)
			goto out;
		kqueues = fresh;
		while (nkqueues < n)
			kqueues[nkqueues++] = NULL;
	}
	closed = kqueues[fd];
	kqueues[fd] = self;
	result = 0;
out:
	pthread_mutex_unlock(&kqueues_lock);
	release(closed);
	return result;
}

int
kqueue(void)
{
	/* An empty file in memory has a number and an inode of its own. */
	int fd = memfd_create("kqueue", 0);
	if (fd == -1)
		return -1;
	struct kqueue *self = calloc(1, sizeof *self);
	if (self == NULL || identify(fd, &self->file) == -1 ||
	    enlist(fd, self) == -1) {
		int saved = errno;
		free(self);
		(void)close(fd);
		errno = saved;
		return -1;
	}
	read_modes(self);
	return fd;
}

static struct kqueue *
find_kqueue(int fd)
{
	struct kqueue *self = NULL;
	pthread_mutex_lock(&kqueues_lock);
	if (fd >= 0 && (size_t)fd < nkqueues)
		self = kqueues[fd];
	pthread_mutex_unlock(&kqueues_lock);
	return self != NULL && is_open(fd, &self->file) ? self : NULL;
}

/* Makes room for n knotes; an array that grew may be longer than needed. */
static int
grow(struct kqueue *self, size_t n)
{
	struct knote *knotes = realloc(self->knotes, n * sizeof *knotes);
	if (knotes == NULL)
		return -1;
	self->knotes = knotes;
	struct pollfd *entries = realloc(self->entries, n * sizeof *entries);
	if (entries == NULL)
		return -1;
	self->entries = entries;
	size_t *sources = realloc(self->sources, n * sizeof *sources);
	if (sources == NULL)
		return -1;
	self->sources = sources;
	memset(knotes + self->nknotes, 0, (n - self->nknotes) * sizeof *knotes);
	self->nknotes = n;
	return 0;
}

/* NULL when there is no memory for it. */
static struct knote *
find_knote(struct kqueue *self, int fd, short filter)
{
	size_t index = (size_t)fd * FILTERS + (filter == EVFILT_WRITE);
	if (index >= self->nknotes && grow(self, 2 * (index + FILTERS)) == -1)
		return NULL;
	return &self->knotes[index];
}

/* Returns 0 or the errno of a bad change. */
static int
make_change(struct kqueue *self, const struct kevent *change)
{
	int fd = (int)change->ident;
	struct identity file;
	if (identify(fd, &file) == -1)
		return EBADF;
	if (change->filter != EVFILT_READ && change->filter != EVFILT_WRITE)
		return EINVAL;
	struct knote *knote = find_knote(self, fd, change->filter);
	if (knote == NULL)
		return ENOMEM;
	if (knote->is_set && !is_open(fd, &knote->file))
		knote->is_set = false;
	switch (change->flags) {
	case EV_ADD:
		*knote = (struct knote){true, file, change->udata};
		return 0;
	case EV_DELETE:
		if (!knote->is_set)
			return ENOENT;
		knote->is_set = false;
		return 0;
	default:
		return EINVAL;
	}
}

/*
 * Makes the changes.  Returns how many errors were stored as events, or -1
 * with the errno of the first for which there was no room.
 */
static int
make_changes(struct kqueue *self, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents)
{
	int nerrors = 0;
	for (int i = 0; i < nchanges; i++) {
		int error = make_change(self, &changes[i]);
		if (error == 0)
			continue;
		if (nerrors == nevents) {
			errno = error;
			return -1;
		}
		events[nerrors] = changes[i];
		events[nerrors].flags = EV_ERROR;
		events[nerrors++].data = error;
	}
	return nerrors;
}

/* Fills the entries for poll, from where the last scan ended. */
static nfds_t
list_entries(struct kqueue *self)
{
	nfds_t n = 0;
	for (size_t i = 0; i < self->nknotes; i++) {
		size_t index = (self->next + i) % self->nknotes;
		if (self->reverse)
			index = self->nknotes - 1 - index;
		struct knote *knote = &self->knotes[index];
		int fd = (int)(index / FILTERS);
		if (knote->is_set && !is_open(fd, &knote->file))
			knote->is_set = false;
		if (!knote->is_set)
			continue;
		self->entries[n] = (struct pollfd){
		    .fd = fd,
		    .events = index % FILTERS ? POLLOUT : POLLIN | POLLRDHUP,
		};
		self->sources[n++] = index;
	}
	return n;
}

static struct kevent
make_event(const struct kqueue *self, nfds_t place)
{
	const struct pollfd *entry = &self->entries[place];
	size_t index = self->sources[place];
	bool eof = (entry->revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0;
	return (struct kevent){
	    .ident = (uintptr_t)entry->fd,
	    .filter = index % FILTERS ? EVFILT_WRITE : EVFILT_READ,
	    .flags = eof ? EV_EOF : 0,
	    .udata = self->knotes[index].udata,
	};
}

/* Stores the events of the entries that poll found ready. */
static int
collect(struct kqueue *self, nfds_t nentries, struct kevent *events, int most,
    bool lie)
{
	int n = 0;
	for (nfds_t i = 0; i < nentries && n < most; i++) {
		short got = self->entries[i].revents;
		bool untrue = got == 0 && lie;
		/* POLLNVAL: another thread closed it meanwhile. */
		if ((got == 0 || (got & POLLNVAL) != 0) && !untrue)
			continue;
		if (untrue)
			lie = false;
		events[n++] = make_event(self, i);
		size_t index = self->sources[i];
		if (self->reverse)
			index = self->nknotes - 1 - index;
		self->next = (index + 1) % self->nknotes;
	}
	return n;
}

static int64_t
now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
wait_for_events(struct kqueue *self, struct kevent *events, int nevents,
    const struct timespec *timeout)
{
	bool lie = self->untrue && ++self->nwaits % UNTRUE_PERIOD == 0;
	int left = -1;
	if (timeout != NULL)
		left = (int)(timeout->tv_sec * 1000 +
			     (timeout->tv_nsec + 999999) / 1000000);
	int64_t deadline = now_ms() + left;
	for (;;) {
		nfds_t nentries = list_entries(self);
		bool lie_now = lie && nentries > 0;
		int ready = poll(self->entries, nentries, lie_now ? 0 : left);
		if (ready == -1)
			return -1;
		int n = collect(self, nentries, events,
		    self->single ? 1 : nevents, lie_now);
		if (n > 0 || ready == 0)
			return n;
		/* What woke poll was closed by another thread meanwhile. */
		if (left > 0)
			left = (int)(deadline - now_ms());
		if (timeout != NULL && left < 0)
			left = 0;
	}
}

int
kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
	struct kqueue *self = find_kqueue(kq);
	if (self == NULL) {
		errno = EBADF;
		return -1;
	}
	int nerrors = make_changes(self, changes, nchanges, events, nevents);
	if (nerrors != 0)
		return nerrors;
	if (self->eintr != 0 && ++self->ncalls % self->eintr == 0) {
		errno = EINTR;
		return -1;
	}
	if (nevents == 0)
		return 0;
	return wait_for_events(self, events, nevents, timeout);
}
