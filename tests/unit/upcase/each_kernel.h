/* SPDX-License-Identifier: ISC */
/* The tests of the transform run once for each kernel of this processor. */
#ifndef EACH_KERNEL_H
#define EACH_KERNEL_H

#include <check.h>

/* Adds the cases that add makes, once for each kernel, to the suite. */
void each_kernel(Suite *, void (*add)(Suite *, const char *kernel));

/* A case whose tests use the kernel; its name says which. */
TCase *kernel_case(Suite *, const char *name, const char *kernel);

#endif
