/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "duration.h"

#include <stddef.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint32_t ms;
} units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", 60 * 1000},
    {"h", 60 * 60 * 1000},
};

int
duration_parse(uint32_t *ms, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0)
		return -1;
	uint64_t number = 0;
	for (size_t i = 0; i < digits; i++) {
		number = number * 10 + (uint64_t)(text[i] - '0');
		if (number > DURATION_MAX)
			return -1;
	}
	if (number == 0 && text[digits] == '\0') {
		*ms = 0;
		return 0;
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (number * units[i].ms > DURATION_MAX)
			return -1;
		*ms = (uint32_t)(number * units[i].ms);
		return 0;
	}
	return -1;
}
