/* SPDX-License-Identifier: ISC */
/* From a member of a structure to the structure. */
#ifndef OWNER_H
#define OWNER_H

#include <stddef.h>

/* The structure of the given type whose member is at ptr. */
#define OWNER_OF(ptr, type, member)                                            \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
