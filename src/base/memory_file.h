/* SPDX-License-Identifier: ISC */
/*
 * Files in memory without a name, to hand bytes to another process: written
 * once, then sealed, so that the reader need not fear that they change.
 */
#ifndef MEMORY_FILE_H
#define MEMORY_FILE_H

#include <stddef.h>

/*
 * Makes a file with room for size bytes, which is 0 for one that gets its room
 * later.  Returns its descriptor, or -1 with errno; ENOSYS: the system has no
 * such files.
 */
int memory_file_create(size_t size);

/* Makes room for size bytes, more than 0: -1 with errno. */
int memory_file_extend(int fd, size_t size);

/* Writes all the bytes and seals the file; -1 with errno. */
int memory_file_fill(int fd, const void *bytes, size_t size);

/*
 * Maps a file to be read, and stores its size.  NULL with errno; EINVAL: it is
 * not a sealed one.
 */
const void *memory_file_map(int fd, size_t *size);

/* Ends the mapping; NULL is none. */
void memory_file_unmap(const void *bytes, size_t size);

#endif
