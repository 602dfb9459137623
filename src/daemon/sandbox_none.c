/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/sandbox.h"

#include "base/log.h"

#include <stddef.h>
#include <sysexits.h>

bool
sandbox_is_in_force(void)
{
	return false;
}

int
sandbox_apply(const struct sandbox_needs *needs, bool is_required)
{
	(void)needs;
	if (is_required) {
		log_errorx("--sandbox require: there is no sandbox for this "
			   "system; use try or off");
		return EX_NOPERM;
	}
	log_warnx("there is no sandbox for this system; --sandbox off leaves "
		  "this line out");
	return 0;
}

void
sandbox_report_applied(const struct sandbox_needs *needs, bool is_required)
{
	(void)needs, (void)is_required;
}
