/* SPDX-License-Identifier: ISC */
/*
 * What the fuzzer runs for each input, by the names that libFuzzer asks for.
 *
 * An input has six bytes that say how the rest, a text, is sent:
 *
 *	policy    modulo 3, an enum upcase_invalid
 *	times     modulo 16, how often the text is sent over again
 *	before    how many letters come before it, to move it in the blocks
 *	behind    how many come behind it, so that the blocks are whole
 *	first     the length of the first call, the third and so on
 *	second    that of the others; two of 0 send all in one call
 *
 * Every kernel of this processor is sent the same calls, in buffers that have
 * no byte to spare.  After each of them its answer, what it holds back and
 * whether it refused are compared with the oracle; what differs is printed, and
 * aborts.  So the kernels agree with one another as well.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n);

#endif
