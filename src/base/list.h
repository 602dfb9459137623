/* SPDX-License-Identifier: ISC */
/*
 * A circular doubly linked list whose links live in its members: nothing is
 * allocated, and a member leaves in constant time without knowing its list.
 */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

/* Makes an empty list, or a link that is in no list: they are the same. */
static inline void
list_init(struct list *list)
{
	list->prev = list->next = list;
}

static inline bool
list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void
list_append(struct list *list, struct list *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

/* Does nothing to a link that is in no list. */
static inline void
list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Puts fresh in the place of link, which is in no list afterwards. */
static inline void
list_replace(struct list *link, struct list *fresh)
{
	list_append(link, fresh);
	list_remove(link);
}

/* The first link, or NULL. */
static inline struct list *
list_first(const struct list *list)
{
	return list_is_empty(list) ? NULL : list->next;
}

#endif
