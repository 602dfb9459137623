/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "upcase/tailoring.h"

#include "upcase/stream.h"

static const struct upcase_tailoring rows[] = {
    {
	.name = "root",
	.expansion = UPCASE_EXPANSION,
	.carry = UPCASE_CARRY,
    },
};

const struct upcase_tailoring *
upcase_tailoring_row(size_t i)
{
	return i < sizeof rows / sizeof rows[0] ? &rows[i] : NULL;
}
