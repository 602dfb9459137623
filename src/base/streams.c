/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/streams.h"

#include "base/say.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

/* Input and output the wrong way round, so that their use still fails. */
static const int flags[] = {
    [STDIN_FILENO] = O_WRONLY,
    [STDOUT_FILENO] = O_RDONLY,
    [STDERR_FILENO] = O_RDWR,
};

/* What takes a place, and fails when it is read or written. */
static int
open_nothing(int flag)
{
	int fd = open("/dev/null", flag);
	/* A root folder of its own may have no devices. */
	return fd != -1 ? fd : open("/", O_RDONLY);
}

int
streams_fill(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && open_nothing(flags[fd]) != fd) {
			say_errno("cannot open /dev/null in place of a "
				  "standard stream that is closed; leave them "
				  "open");
			return -1;
		}
	}
	return 0;
}

bool
streams_print_to(const struct stat *file)
{
	struct stat output;
	return S_ISREG(file->st_mode) && fstat(STDOUT_FILENO, &output) == 0 &&
	       output.st_dev == file->st_dev && output.st_ino == file->st_ino;
}

int
streams_end_output(void)
{
	/* At a limit of the size of files it would end the program. */
	(void)signal(SIGXFSZ, SIG_IGN);
	/* A write may have failed before, and some file systems fail last. */
	bool has_failed = ferror(stdout) != 0;
	errno = EIO;
	if (fclose(stdout) == 0 && !has_failed)
		return EX_OK;
	say_errno("cannot write to standard output");
	return EX_IOERR;
}
