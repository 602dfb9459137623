/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/plan.h"

#include "fake/kernel.h"
#include "sim/draw.h"

#include <stdlib.h>
#include <string.h>

/* Characters of all lengths, with answers as long, longer and shorter. */
static const struct character {
	const char *text, *answer; /* NULL: the text is not UTF-8 */
} characters[] = {
    {"a", "A"},
    {"b", "B"},
    {"m", "M"},
    {"z", "Z"},
    {"`", "`"},
    {"{", "{"},
    {"7", "7"},
    {" ", " "},
    {"\n", "\n"},
    {"Q", "Q"},
    {"\xc3\xa4", "\xc3\x84"},                     /* U+00E4 */
    {"\xc3\x9f", "SS"},                           /* U+00DF */
    {"\xc4\xb1", "I"},                            /* U+0131 */
    {"\xce\x90", "\xce\x99\xcc\x88\xcc\x81"},     /* U+0390 */
    {"\xd0\xb9", "\xd0\x99"},                     /* U+0439 */
    {"\xef\xac\x83", "FFI"},                      /* U+FB03 */
    {"\xe1\xbe\xb7", "\xce\x91\xcd\x82\xce\x99"}, /* U+1FB7 */
    {"\xe2\x82\xac", "\xe2\x82\xac"},             /* U+20AC */
    {"\xf0\x90\x90\xa8", "\xf0\x90\x90\x80"},     /* U+10428 */
    {"\xf0\x9f\x8c\xae", "\xf0\x9f\x8c\xae"},     /* U+1F32E */
    {"\xff", NULL},
    {"\xc0", NULL},
    {"\xf5", NULL},
    {"\x80", NULL},
};

enum { NCHARACTERS = sizeof characters / sizeof characters[0], NBAD = 4 };

enum { NPLANS = 40 };

static struct plan plans[NPLANS];

static void *
take(size_t n)
{
	void *memory = malloc(n);
	kernel_must(memory != NULL, "no memory for a plan", -1);
	return memory;
}

static size_t
answer_of(const struct character *character, enum upcase_invalid invalid,
    unsigned char *answer)
{
	const char *bytes = character->answer;
	if (bytes == NULL && invalid == UPCASE_PASS)
		bytes = character->text;
	else if (bytes == NULL)
		bytes = invalid == UPCASE_REPLACE ? "\xef\xbf\xbd" : "";
	memcpy(answer, bytes, strlen(bytes));
	return strlen(bytes);
}

/* Fills plan->bad from the end to the beginning. */
static void
find_bad(struct plan *plan, size_t length)
{
	uint32_t bad = UINT32_MAX;
	for (size_t i = length; i-- > 0;) {
		/* The bytes of the table that are part of no character. */
		if (plan->begins[i] == i &&
		    memchr("\xff\xc0\xf5\x80", plan->text[i], NBAD) != NULL)
			bad = (uint32_t)i;
		plan->bad[i] = bad;
	}
}

/* Adds the next character, and what is due for it under each policy. */
static void
add(struct plan *plan, const struct character *character,
    size_t answered[static NPOLICIES])
{
	size_t end = plan->length, n = strlen(character->text);
	memcpy(plan->text + end, character->text, n);
	for (size_t i = 0; i < n; i++)
		plan->begins[end + i] = (uint32_t)end;
	for (int policy = 0; policy < NPOLICIES; policy++) {
		uint32_t *due = plan->due[policy];
		for (size_t i = 0; i < n; i++)
			due[end + i] = (uint32_t)answered[policy];
		answered[policy] +=
		    answer_of(character, (enum upcase_invalid)policy,
			plan->answer[policy] + answered[policy]);
		due[end + n] = (uint32_t)answered[policy];
	}
	plan->length += n;
	plan->begins[plan->length] = (uint32_t)plan->length;
}

static void
make(struct plan *plan, size_t length, size_t alphabet)
{
	size_t answered[NPOLICIES] = {0};
	plan->text = take(length + 4);
	plan->begins = take((length + 5) * sizeof *plan->begins);
	plan->bad = take((length + 5) * sizeof *plan->bad);
	for (int policy = 0; policy < NPOLICIES; policy++) {
		plan->answer[policy] = take(UPCASE_BOUND(length + 4));
		plan->due[policy] =
		    take((length + 5) * sizeof *plan->due[policy]);
		plan->due[policy][0] = 0;
	}
	while (plan->length < length)
		add(plan, &characters[draw(alphabet)], answered);
	find_bad(plan, plan->length);
	plan->bad[plan->length] = UINT32_MAX;
}

void
plans_make(void)
{
	static const size_t lengths[] = {60, 700, 9000, 100000};
	for (size_t i = 0; i < NPLANS; i++) {
		/* Three quarters of them are UTF-8. */
		size_t alphabet = i % 4 == 0 ? NCHARACTERS : NCHARACTERS - NBAD;
		make(&plans[i], lengths[i * 4 / NPLANS], alphabet);
	}
}

const struct plan *
plans_draw(void)
{
	/* The least of three numbers, so that short plans are more frequent. */
	size_t least = NPLANS;
	for (int i = 0; i < 3; i++) {
		size_t drawn = draw(NPLANS);
		least = drawn < least ? drawn : least;
	}
	return &plans[least];
}

struct due
plan_due(const struct plan *plan, enum upcase_invalid invalid, size_t first,
    size_t last)
{
	const uint32_t *dues = plan->due[invalid];
	struct due due = {.bytes = plan->answer[invalid] + dues[first]};
	bool refused = invalid == UPCASE_CLOSE && plan->bad[first] < last;
	if (refused)
		last = plan->bad[first];
	due.n = dues[last] - dues[first];
	size_t held = last - plan->begins[last];
	if (held == 0 || refused || invalid == UPCASE_CLOSE)
		return due;
	due.ntail = held;
	memcpy(due.tail, plan->text + plan->begins[last], held);
	if (invalid == UPCASE_REPLACE) {
		due.ntail = 3;
		memcpy(due.tail, "\xef\xbf\xbd", 3);
	}
	return due;
}
