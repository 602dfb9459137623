/* SPDX-License-Identifier: ISC */
/*
 * Which listener is at which address of a list: what listening.c asks before it
 * changes anything.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include "server/listener.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Gives each listener the number of its address in the list, from 1, as wanted;
 * 0 when it is not there.  Marks those that are not, but are covered by one
 * that is.
 */
void placement_match(
    struct listeners *, const struct listen_address *, size_t n);

/* Whether nothing need be bound for the address that has the number. */
bool placement_has(
    const struct listeners *, const struct listen_address *, size_t number);

/* True for one that is to end, while a part of its address is served on. */
bool placement_leaves_part(struct listeners *, const struct listener *);

/* True for one that is not in the list in force, nor covered by it. */
bool placement_is_left_over(struct listeners *, const struct listener *);

#endif
