/* SPDX-License-Identifier: ISC */
/*
 * What stream.c asks of a kernel.  A kernel converts complete, well-formed
 * sequences, and may answer other bytes by the policy: what it stops at is
 * stream.c's to judge, and so is all that outlives a call.
 */
#ifndef UPCASE_KERNEL_H
#define UPCASE_KERNEL_H

#include "upcase.h"

#include <stdbool.h>
#include <stddef.h>

/* A place in the input, and the place in the output that belongs to it. */
struct upcase_cursor {
	const unsigned char *src;
	const unsigned char *end; /* of the input */
	unsigned char *dst;

	/*
	 * What becomes of bytes that are not UTF-8: a kernel may go over them
	 * as well unless that is to close, but not over an incomplete sequence
	 * at the end.
	 */
	enum upcase_invalid invalid;
};

/*
 * Moves the cursor over all sequences that are complete and well-formed, and
 * stops at the end or before the first one that is not.  It reads nothing at
 * or behind end.  It may write anything into the UPCASE_EXPANSION * (end - src)
 * bytes at dst, of which those before the new dst are the answer.
 */
void upcase_scalar(struct upcase_cursor *);

/*
 * One row for each kernel.  Convert does what upcase_scalar does, but may stop
 * before any sequence: the scalar kernel then takes it from there.
 */
struct upcase_kernel {
	const char *name;
	bool (*is_supported)(void); /* by this processor */
	void (*convert)(struct upcase_cursor *);
};

extern const struct upcase_kernel upcase_kernel_scalar, upcase_kernel_avx2,
    upcase_kernel_avx512, upcase_kernel_neon;

#endif
