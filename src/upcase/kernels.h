/* SPDX-License-Identifier: ISC */
/* The kernel that upcase.c is to use. */
#ifndef KERNELS_H
#define KERNELS_H

#include "upcase/kernel.h"

#include <stdatomic.h>
#include <stddef.h>

/* NULL until it is asked for, or chosen, for the first time. */
extern const struct upcase_kernel *_Atomic kernels_choice;

/* Finds the best kernel, and makes it the choice. */
const struct upcase_kernel *kernels_choose(void);

static inline const struct upcase_kernel *
kernels_chosen(void)
{
	const struct upcase_kernel *kernel =
	    atomic_load_explicit(&kernels_choice, memory_order_relaxed);
	return kernel != NULL ? kernel : kernels_choose();
}

#endif
