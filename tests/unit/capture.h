/* SPDX-License-Identifier: ISC */
/* What the program under test writes, kept by a pipe in its place. */
#ifndef CAPTURE_H
#define CAPTURE_H

/* Puts the pipe in the place of an output: STDOUT_FILENO, STDERR_FILENO. */
void capture(int fd);

/* What has been written since the last call: valid until the next one. */
const char *written(void);

/* Takes the reader away: from then on the pipe is broken. */
void capture_close(void);

#endif
