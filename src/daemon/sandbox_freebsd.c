/* SPDX-License-Identifier: ISC */
/*
 * Capability mode (capsicum(4)) knows no names: neither of files, nor addresses
 * to bind, nor a program to execute.  So a daemon in it can neither reload, nor
 * hand over, nor connect to the log of the host again.  As these matter more to
 * most, the mode is entered only if a sandbox is required; otherwise just the
 * rights of the standard streams are limited.
 */
#include "config.h"

#include "daemon/sandbox.h"

#include "base/log.h"

#include <sys/types.h>

#include <sys/capsicum.h>

#include <errno.h>
#include <stddef.h>
#include <sysexits.h>
#include <unistd.h>

bool
sandbox_is_in_force(void)
{
	return false;
}

/* Input is /dev/null or nothing of ours; errors are written and waited for. */
static int
limit_streams(void)
{
	cap_rights_t none, output;
	(void)cap_rights_init(&none, CAP_FSTAT);
	(void)cap_rights_init(&output, CAP_WRITE, CAP_FSTAT, CAP_EVENT,
	    CAP_FCNTL, CAP_IOCTL, CAP_LOOKUP);
	if (cap_rights_limit(STDIN_FILENO, &none) == -1 ||
	    cap_rights_limit(STDOUT_FILENO, &output) == -1)
		return -1;
	return cap_rights_limit(STDERR_FILENO, &output);
}

int
sandbox_apply(const struct sandbox_needs *needs, bool is_required)
{
	(void)needs;
	bool is_limited = limit_streams() == 0;
	if (is_required && (!is_limited || cap_enter() == -1)) {
		log_error("--sandbox require: cannot enter capability mode; "
			  "use try or off, or a kernel with the options "
			  "CAPABILITIES and CAPABILITY_MODE");
		return EX_NOPERM;
	}
	if (!is_limited)
		log_warn("the sandbox cannot limit the rights of the standard "
			 "streams; --sandbox off leaves this line out");
	return 0;
}

void
sandbox_report_applied(const struct sandbox_needs *needs, bool is_required)
{
	(void)needs;
	if (is_required)
		log_info("sandbox: capability mode is entered: no file can be "
			 "opened, no address bound and no program executed, so "
			 "there is no reload and no hand-over");
	else
		log_info("sandbox: standard input cannot be read; capability "
			 "mode is not entered, which would rule out a reload "
			 "and a hand-over (see --sandbox require)");
}
