/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/service.h"

#include <string.h>

const struct service service_metrics = {
    .name = "metrics",
    .mark = "metrics: ",
    .number = SERVICE_METRICS,
};

const struct service *
service_find(const char *name)
{
	static const struct service *const all[] = {
	    &service_text, &service_metrics};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
}
