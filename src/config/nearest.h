/* SPDX-License-Identifier: ISC */
/* What somebody may have meant who mistyped the name of an option. */
#ifndef NEAREST_H
#define NEAREST_H

#include "config/option.h"

#include <stddef.h>

/*
 * Returns the row whose name is closest to the first bytes of a text, as far as
 * few letters differ, or NULL.  Dashes before the text do not count, nor does
 * it whether letters are capitals, and dashes underscores.
 */
const struct option_row *nearest_row(
    const struct option_row *rows, const char *text, size_t length);

#endif
