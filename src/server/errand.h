/* SPDX-License-Identifier: ISC */
/* Errands: see server_send_on. */
#ifndef ERRAND_H
#define ERRAND_H

#include "base/list.h"

/* Something to be done between two turns; a member of what it is about. */
struct errand {
	struct list link;
	void (*run)(struct errand *);
};

void errand_init(struct errand *, void (*run)(struct errand *));

#endif
