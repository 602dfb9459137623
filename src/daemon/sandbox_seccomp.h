/* SPDX-License-Identifier: ISC */
/*
 * A filter of system calls (seccomp(2)): what a daemon of the network never
 * needs is refused with an error, and all else is allowed.
 *
 * A filter goes on over exec, and answers a question that no kernel knows:
 * which sandbox it belongs to.  So the next process finds out whether it is in
 * its own sandbox already, without /proc and without trusting what it is told.
 */
#ifndef SANDBOX_SECCOMP_H
#define SANDBOX_SECCOMP_H

#include <stdint.h>

/* The identity that stands for any sandbox. */
enum { SECCOMP_ANY = 0 };

/* The greatest state that can be kept with a filter. */
enum { SECCOMP_STATE_MAX = 255 };

/*
 * Lays on the filter of a sandbox with that identity, and keeps a state with
 * it.  Returns -1 with errno; ENOTSUP: it is not known for this processor.
 */
int seccomp_restrict(uint32_t identity, unsigned state);

/* The state of the sandbox with that identity, or -1: it is not in force. */
int seccomp_ask(uint32_t identity);

/* A number that differs where filters do. */
uint32_t seccomp_version(void);

/* Goes on with such a number, from 0, over more bytes. */
uint32_t seccomp_mix(uint32_t number, const void *bytes, unsigned long size);

#endif
