/* SPDX-License-Identifier: ISC */
/*
 * To be preloaded: lets one call of malloc, calloc, realloc or posix_memalign
 * fail with ENOMEM, the one that FAILING_MALLOC_CALL in the environment says,
 * counted from 1.  When it does, it says so in the first byte of the file that
 * is open as FAILING_MALLOC_FD.
 *
 * Only calls from the program itself count: the name service of glibc ends
 * the process when it gets no memory.
 */
#include "config.h"

#include <sys/auxv.h>
#include <sys/mman.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static int (*next_posix_memalign)(void **, size_t, size_t);

/* Calls still to be made before the one that fails; below 0: never. */
static atomic_long left = -1;
static char *report;
static void *program;

/* Where an address was loaded to, or NULL. */
static void *
base_of(const void *address)
{
	Dl_info found;
	return dladdr(address, &found) == 0 ? NULL : found.dli_fbase;
}

/* A function of the next library; by memcpy, for want of such a cast. */
static void
find(void *function, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (found == NULL)
		abort();
	memcpy(function, &found, sizeof found);
}

static void
find_all(void)
{
	find(&next_calloc, "calloc");
	find(&next_realloc, "realloc");
	find(&next_posix_memalign, "posix_memalign");
	find(&next_malloc, "malloc");
}

__attribute__((constructor)) static void
arm(void)
{
	const char *call = getenv("FAILING_MALLOC_CALL");
	const char *fd = getenv("FAILING_MALLOC_FD");
	if (call == NULL || fd == NULL)
		return;
	program = base_of((const void *)(uintptr_t)getauxval(AT_ENTRY));
	/* The program closes the descriptor; what is mapped stays. */
	report = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
	if (report == MAP_FAILED)
		abort();
	atomic_store(&left, atol(call) - 1);
}

/* True when the call of that caller is to fail. */
static int
fails(const void *caller)
{
	/* Memory is needed before this library has been initialised. */
	if (next_malloc == NULL)
		find_all();
	if (atomic_load(&left) < 0 || base_of(caller) != program ||
	    atomic_fetch_sub(&left, 1) != 0)
		return 0;
	*report = 'x';
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL : next_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	if (fails(__builtin_return_address(0)))
		return NULL;
	return next_calloc(n, size);
}

void *
realloc(void *memory, size_t n)
{
	if (fails(__builtin_return_address(0)))
		return NULL;
	return next_realloc(memory, n);
}

int
posix_memalign(void **memory, size_t alignment, size_t n)
{
	if (fails(__builtin_return_address(0)))
		return ENOMEM;
	return next_posix_memalign(memory, alignment, n);
}
