/* SPDX-License-Identifier: ISC */
/* The kernel that upcase.c is to use. */
#ifndef KERNELS_H
#define KERNELS_H

#include "kernel.h"

const struct upcase_kernel *kernels_chosen(void);

#endif
