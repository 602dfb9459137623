/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "upcase/dispatch.h"

#include <errno.h>
#include <string.h>

/* The best first; the scalar one runs everywhere. */
static const struct upcase_kernel *const kernels[] = {
#ifdef HAVE_AVX512
    &upcase_kernel_avx512,
#endif
#ifdef HAVE_AVX2
    &upcase_kernel_avx2,
#endif
#ifdef HAVE_NEON
    &upcase_kernel_neon,
#endif
    &upcase_kernel_scalar,
};

enum { NKERNELS = sizeof kernels / sizeof kernels[0] };

const struct upcase_kernel *_Atomic upcase_dispatch_choice;

static void
use(const struct upcase_kernel *kernel)
{
	/* Nothing else is published with it: kernels are constant. */
	atomic_store_explicit(
	    &upcase_dispatch_choice, kernel, memory_order_relaxed);
}

static const struct upcase_kernel *
best(void)
{
	for (size_t k = 0; k < NKERNELS; k++) {
		if (kernels[k]->is_supported())
			return kernels[k];
	}
	return &upcase_kernel_scalar;
}

static const struct upcase_kernel *
named(const char *name)
{
	for (size_t k = 0; k < NKERNELS; k++) {
		if (strcmp(kernels[k]->name, name) == 0 &&
		    kernels[k]->is_supported())
			return kernels[k];
	}
	return NULL;
}

const struct upcase_kernel *
upcase_dispatch_resolve(void)
{
	const struct upcase_kernel *kernel = best();
	use(kernel);
	return kernel;
}

const char *
upcase_kernel(size_t i)
{
	size_t n = 0;
	for (size_t k = 0; k < NKERNELS; k++) {
		if (kernels[k]->is_supported() && n++ == i)
			return kernels[k]->name;
	}
	return NULL;
}

int
upcase_choose_kernel(const char *name)
{
	const struct upcase_kernel *kernel =
	    name == NULL ? best() : named(name);
	if (kernel == NULL) {
		errno = EINVAL;
		return -1;
	}
	use(kernel);
	return 0;
}

const char *
upcase_kernel_in_use(void)
{
	return upcase_dispatch()->name;
}
