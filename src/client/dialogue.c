/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/dialogue.h"

#define PROMPT "Enter a string: "

void
dialogue_start(struct dialogue *dialogue, bool is_held)
{
	*dialogue = (struct dialogue){.is_held = is_held, .last_shown = '\n'};
}

const char *
dialogue_ask(struct dialogue *dialogue)
{
	if (!dialogue->is_held || dialogue->is_prompted || dialogue->is_midline)
		return NULL;
	bool is_greeted = dialogue->is_greeted;
	dialogue->is_greeted = true;
	dialogue->is_prompted = true;
	return is_greeted
		   ? PROMPT
		   : "Each line is answered in upper case; Ctrl-D ends.\n" PROMPT;
}

void
dialogue_hear(struct dialogue *dialogue, const char *typed, size_t n)
{
	dialogue->last_shown = typed[n - 1];
	dialogue->is_midline = dialogue->last_shown != '\n';
	dialogue->is_prompted = false;
}

void
dialogue_show(struct dialogue *dialogue, char last)
{
	dialogue->last_shown = last;
}

const char *
dialogue_end(const struct dialogue *dialogue)
{
	return dialogue->is_held && dialogue->last_shown != '\n' ? "\n" : NULL;
}
