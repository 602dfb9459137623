/* SPDX-License-Identifier: ISC */
/*
 * The part of <sys/event.h> that the kqueue back end uses, for tests on
 * systems without kqueue(2); see kqueue.c.  Names and numbers are those of
 * the BSDs.
 */
#ifndef FAKE_SYS_EVENT_H
#define FAKE_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD       0x0001
#define EV_DELETE    0x0002
#define EV_ERROR     0x4000
#define EV_EOF       0x8000

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned fflags;
	int64_t data;
	void *udata;
};

#define EV_SET(event, a, b, c, d, e, f)                                        \
	(*(event) = (struct kevent){.ident = (a),                              \
	     .filter = (b),                                                    \
	     .flags = (c),                                                     \
	     .fflags = (d),                                                    \
	     .data = (e),                                                      \
	     .udata = (f)})

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout);

#endif
