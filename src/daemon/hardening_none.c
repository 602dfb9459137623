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

bool
hardening_is_bound(void)
{
	return false;
}

int
hardening_drop(void)
{
	return 0;
}
