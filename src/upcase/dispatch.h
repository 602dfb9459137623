/* SPDX-License-Identifier: ISC */
/*
 * Which kernel converts: the best that this processor can run, found once, when
 * it is first asked for.  The answer does not depend on the kernel, only how
 * fast it comes; so only programs choose another, for tests.
 */
#ifndef UPCASE_DISPATCH_H
#define UPCASE_DISPATCH_H

#include "upcase/kernel.h"

#include <stdatomic.h>
#include <stddef.h>

/* The only variable of the library: NULL until a kernel was asked for. */
extern const struct upcase_kernel *_Atomic upcase_dispatch_choice;

/*
 * Finds the best kernel and makes it the choice.  Threads that are here at the
 * same time all find the same one.
 */
const struct upcase_kernel *upcase_dispatch_resolve(void);

static inline const struct upcase_kernel *
upcase_dispatch(void)
{
	const struct upcase_kernel *kernel =
	    atomic_load_explicit(&upcase_dispatch_choice, memory_order_relaxed);
	return kernel != NULL ? kernel : upcase_dispatch_resolve();
}

/* The names of those that this processor can run, the best first, then NULL. */
const char *upcase_kernel(size_t i);

/*
 * Chooses the kernel of that name, or the best one for NULL.  To be called
 * before there are streams.  -1 with EINVAL if there is no such kernel here.
 */
int upcase_choose_kernel(const char *name);

const char *upcase_kernel_in_use(void);

#endif
