/* SPDX-License-Identifier: ISC */
/* Random bytes from a call, which needs no file: getentropy(3). */
#include "config.h"

#include "base/sys.h"

#include <unistd.h>

#if HAVE_SYS_RANDOM_H
#include <sys/random.h>
#endif

int
sys_entropy(void *bytes, size_t n)
{
	return getentropy(bytes, n);
}
