/* SPDX-License-Identifier: ISC */
/* Which kernel is used: the best that the processor has, or one by name. */
#include "config.h"

#include "upcase/kernels.h"

#include "upcase.h"

#include <errno.h>
#include <string.h>

static bool
is_anywhere(void)
{
	return true;
}

const struct upcase_kernel upcase_kernel_scalar = {
    .name = "scalar",
    .is_supported = is_anywhere,
    .convert = upcase_scalar,
};

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

/* Written once in most programs, and always with a kernel that works. */
const struct upcase_kernel *_Atomic kernels_choice;

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
kernels_choose(void)
{
	/* Whoever else is here finds the same. */
	const struct upcase_kernel *kernel = best();
	atomic_store_explicit(&kernels_choice, kernel, memory_order_relaxed);
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
	atomic_store_explicit(&kernels_choice, kernel, memory_order_relaxed);
	return 0;
}

const char *
upcase_kernel_in_use(void)
{
	return kernels_chosen()->name;
}
