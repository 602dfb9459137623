/* SPDX-License-Identifier: ISC */
/*
 * What the simulated server listens on: lists of addresses that are drawn, and
 * the rules for the sockets that have to be there.
 */
#ifndef PLACES_H
#define PLACES_H

#include "fake/kernel.h"
#include "server/server.h"

#include <stdbool.h>

/* A run begins; nothing listens. */
void places_begin(void);

/* Draws the list for a start. */
void places_draw(void);

/* Binds that list.  As server_bind, which tells nothing more. */
int places_bind(struct server *);

/* Checks what listens after a start that was made with that list. */
void places_started(void);

/*
 * Draws another list, binds it and makes the change; -1 if it is refused, and
 * then nothing has changed.  All rules for that are checked.
 */
int places_change(struct server *);

/* Checks what listens when those that stayed for a moment were closed. */
void places_retired(void);

/* Checks that all that listens has the options of the settings in force. */
void places_tuned(void);

/* Notes that one of them is closed while the server serves. */
void places_closed(const struct kernel_socket *);

/* One that takes clients; NULL: there is none. */
struct kernel_socket *places_pick(void);

/* True for a listener whose clients begin with a header of a proxy. */
bool places_have_proxies(const struct kernel_socket *listener);

#endif
