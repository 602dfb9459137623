/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/hardening.h"

void
hardening_enter(void)
{
}

void
hardening_forbid_core(void)
{
}

void
hardening_allow_core(void)
{
}

void
hardening_bound(void)
{
}

int
hardening_drop(void)
{
	return 0;
}
