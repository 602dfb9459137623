/* SPDX-License-Identifier: ISC */
/*
 * Reloads of the simulated server, made as src/daemon/reload.c makes them: the
 * addresses are bound, what listens is changed, and settings are exchanged, all
 * between two turns.
 */
#ifndef RELOADS_H
#define RELOADS_H

#include "server/server.h"

#include <stddef.h>

/* How many were made and refused in all runs. */
extern size_t reloads_made, reloads_refused;

/* Makes them possible for a server; -1 with errno. */
int reloads_open(struct server *);
void reloads_close(void);

/* Asks for one, and for the end of what has stayed for a moment after one. */
void reloads_ask(void);
void reloads_ask_retire(void);

/* Notes whether all follow the last one; they must when all threads wait. */
void reloads_calm(void);

#endif
