/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "config/duration.h"

#include <stddef.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t us;
} units[] = {
    {"us", 1},
    {"ms", 1000},
    {"s", UINT64_C(1000) * 1000},
    {"m", UINT64_C(60) * 1000 * 1000},
    {"h", UINT64_C(60) * 60 * 1000 * 1000},
};

/* The number of quanta, of so many microseconds each; the unit has whole ones.
 */
static int
parse(uint32_t *quanta, const char *text, uint64_t quantum, uint32_t most)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0)
		return -1;
	uint64_t number = 0;
	for (size_t i = 0; i < digits; i++) {
		number = number * 10 + (uint64_t)(text[i] - '0');
		if (number > most)
			return -1;
	}
	if (number == 0 && text[digits] == '\0') {
		*quanta = 0;
		return 0;
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		uint64_t each = units[i].us / quantum;
		if (each == 0 || number * each > most)
			return -1;
		*quanta = (uint32_t)(number * each);
		return 0;
	}
	return -1;
}

int
duration_parse(uint32_t *ms, const char *text)
{
	return parse(ms, text, 1000, DURATION_MAX);
}

int
duration_parse_us(uint32_t *us, const char *text, uint32_t most)
{
	return parse(us, text, 1, most);
}
