/* SPDX-License-Identifier: ISC */
/*
 * What a service manager is told, over notify.h: the state of the service, a
 * line of status for people, and that nothing hangs, if it wants to know that
 * (WATCHDOG_USEC).  Without a service manager each call returns at once.
 *
 * The status is told when it has changed, and no more often than every 10
 * seconds; a service that has nothing to do does not wake up for it.  The
 * watchdog is fed only while the loop and all workers turn.
 */
#ifndef SUPERVISION_H
#define SUPERVISION_H

#include "server/server.h"

#include <stdint.h>

/* The least time between two lines of status, in ms. */
#define SUPERVISION_STATUS_MS 10000

/* For how long a drain asks for patience, and how often it does, in ms. */
#define SUPERVISION_PATIENCE_MS 30000

/* How long after a message that did not go the state is told again, in ms. */
#define SUPERVISION_RETRY_MS 1000

/*
 * How often to feed the watchdog that WATCHDOG_USEC and WATCHDOG_PID ask for,
 * in ms; 0: there is none for this process.  Either may be NULL.  -1: the
 * number is none.
 */
int64_t supervision_feed_ms(const char *usec, const char *pid, long process);

/*
 * Opens the way to the service manager and reads what it wants.  To be called
 * before privileges are given up and while there is one thread.
 */
void supervision_open(void);

/* The rest is to be called from the server's loop, or before it runs. */

/* The server has started: it serves. */
void supervision_start(struct server *);

/* The configuration is about to be read anew; afterwards: it serves again. */
void supervision_reload(void);
void supervision_serve(void);

/* A drain has been asked for.  Only the end comes after it. */
void supervision_drain(void);

void supervision_close(void);

#endif
