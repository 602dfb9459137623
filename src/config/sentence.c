/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "config/sentence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
sentence_add(char sentence[static SENTENCE_MAX], const char *format, ...)
{
	size_t end = strlen(sentence);
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(sentence + end, SENTENCE_MAX - end, format, arguments);
	va_end(arguments);
}

void
sentence_add_item(char sentence[static SENTENCE_MAX], const char *word,
    size_t i, size_t n, const char *conjunction)
{
	if (i == 0)
		sentence_add(sentence, "%s", word);
	else if (i + 1 < n)
		sentence_add(sentence, ", %s", word);
	else
		sentence_add(sentence, " %s %s", conjunction, word);
}
