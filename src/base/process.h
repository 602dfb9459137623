/* SPDX-License-Identifier: ISC */
/*
 * What this process takes of the system, as far as the system tells.  What it
 * does not tell is 0.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdint.h>

struct process_figures {
	uint64_t cpu_us;             /* of all threads, since the start */
	uint64_t resident, virtual_; /* bytes of memory */
	uint64_t descriptors;        /* open */
	uint64_t descriptors_limit;
	uint64_t started_ms; /* since 1970 */
};

/*
 * Opens what has to be opened for that, before a sandbox may forbid it.
 */
void process_figures_open(void);

void process_figures_read(struct process_figures *);

/* A part of it, for the source of the system: what only that can find out. */
void process_add_system(struct process_figures *);

void process_figures_close(void);

#endif
