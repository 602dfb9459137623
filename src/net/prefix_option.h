/* SPDX-License-Identifier: ISC */
/* Prefixes as values of options: see config/rows.h. */
#ifndef PREFIX_OPTION_H
#define PREFIX_OPTION_H

#include "config/option.h"

extern const struct option_kind option_prefix;

/* An array of struct prefix with its count. */
#define PREFIXES(member, count)                                                \
	LIST(member, count, struct prefix, option_prefix)

#endif
