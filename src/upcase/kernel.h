/* SPDX-License-Identifier: ISC */
/*
 * What upcase.c asks of a kernel.  A kernel converts complete, well-formed
 * sequences and nothing else: what it stops at is upcase.c's to judge, and so
 * is all that outlives a call.
 */
#ifndef UPCASE_KERNEL_H
#define UPCASE_KERNEL_H

/* A place in the input, and the place in the output that belongs to it. */
struct upcase_cursor {
	const unsigned char *src;
	const unsigned char *end; /* of the input */
	unsigned char *dst;
};

/*
 * Moves the cursor over all sequences that are complete and well-formed, and
 * stops at the end or before the first one that is not.  It reads nothing at
 * or behind end.  It may write anything into the UPCASE_EXPANSION * (end - src)
 * bytes at dst, of which those before the new dst are the answer.
 */
void upcase_scalar(struct upcase_cursor *);

#endif
