/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/printable.h"

#include <stddef.h>
#include <stdio.h>

static const char dots[] = "...";

const char *
printable(const char *text, char shown[static PRINTABLE_MAX])
{
	size_t end = 0;
	/* The longest escape and the dots must still fit. */
	while (*text != '\0' && end + 4 + sizeof dots <= PRINTABLE_MAX) {
		unsigned char byte = (unsigned char)*text++;
		if (byte >= 0x20 && byte <= 0x7e && byte != '\\')
			shown[end++] = (char)byte;
		else
			end += (size_t)snprintf(
			    shown + end, PRINTABLE_MAX - end, "\\x%02x", byte);
	}
	(void)snprintf(
	    shown + end, PRINTABLE_MAX - end, "%s", *text == '\0' ? "" : dots);
	return shown;
}
