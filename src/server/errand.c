/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/errand.h"

void
errand_init(struct errand *errand, void (*run)(struct errand *))
{
	list_init(&errand->link);
	errand->run = run;
}
