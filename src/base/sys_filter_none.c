/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/sys.h"

void
sys_ignore_new(int fd)
{
	(void)fd;
}
