/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/input.h"

#include "base/printable.h"
#include "base/say.h"
#include "base/sys.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How a message names a file. */
enum { LABEL_MAX = PRINTABLE_MAX + 2 };

static bool
is_standard(const char *name)
{
	return strcmp(name, "-") == 0;
}

static const char *
label(const char *name, char text[static LABEL_MAX])
{
	if (is_standard(name)) {
		(void)snprintf(text, LABEL_MAX, "standard input");
	} else {
		char shown[PRINTABLE_MAX];
		(void)snprintf(text, LABEL_MAX, "'%s'", printable(name, shown));
	}
	return text;
}

static void
leave_out(struct input *input, int error)
{
	char text[LABEL_MAX];
	say("cannot read %s: %s; what could be read is answered without it, "
	    "give a file or a pipe that can be read",
	    label(input->name, text), strerror(error));
	input->has_failed = true;
}

static bool
is_output(const struct input *input, int fd)
{
	struct stat ours, theirs;
	return fstat(fd, &ours) == 0 && fstat(input->output, &theirs) == 0 &&
	       S_ISREG(ours.st_mode) && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

static void
refuse(struct input *input)
{
	char text[LABEL_MAX];
	say("%s is also the file that the answer is written to, and was not "
	    "read; write to another file, then rename that",
	    label(input->name, text));
	input->has_failed = true;
}

/* Returns a descriptor, or -1 when this one is left out. */
static int
open_one(struct input *input)
{
	int fd = STDIN_FILENO;
	/* A pipe that nobody writes to yet is waited for by poll, not here. */
	if (!is_standard(input->name))
		fd = open(
		    input->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1) {
		leave_out(input, errno);
		return -1;
	}
	if (!is_output(input, fd))
		return fd;
	refuse(input);
	if (fd != STDIN_FILENO)
		(void)sys_close(fd);
	return -1;
}

static void
open_next(struct input *input)
{
	input->fd = -1;
	while (input->fd == -1 && *input->rest != NULL) {
		input->name = *input->rest++;
		input->fd = open_one(input);
	}
}

void
input_start(struct input *input, char *const *names, int output)
{
	*input = (struct input){.rest = names, .output = output};
	open_next(input);
}

ssize_t
input_read(struct input *input, char *bytes, size_t n)
{
	return sys_read(input->fd, bytes, n);
}

void
input_next(struct input *input, int error)
{
	if (error != 0)
		leave_out(input, error);
	if (input->fd != STDIN_FILENO)
		(void)sys_close(input->fd);
	open_next(input);
}

/* What is left to read of one file; -1: not known. */
static off_t
size_of(const char *name)
{
	struct stat status;
	off_t at = 0;
	int n = is_standard(name) ? fstat(STDIN_FILENO, &status)
				  : stat(name, &status);
	if (n == -1 || !S_ISREG(status.st_mode))
		return -1;
	if (is_standard(name))
		at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	return at < status.st_size ? status.st_size - at : 0;
}

uint64_t
input_size(char *const *names)
{
	uint64_t sum = 0;
	for (; *names != NULL; names++) {
		off_t size = size_of(*names);
		if (size == -1)
			return 0;
		sum += (uint64_t)size;
	}
	return sum;
}
