/* SPDX-License-Identifier: ISC */
/* Where there is no /proc of Linux. */
#include "config.h"

#include "base/process.h"

void
process_figures_open(void)
{
}

void
process_figures_close(void)
{
}

void
process_add_system(struct process_figures *figures)
{
	(void)figures;
}
