/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/duplex.h"

#include "base/sys.h"

#include <fcntl.h>

void
duplex_init(struct duplex *duplex, void (*readable)(struct watch *),
    void (*writable)(struct watch *))
{
	watch_init(&duplex->reader, -1, readable);
	watch_init(&duplex->writer, -1, writable);
}

void
duplex_open(struct duplex *duplex, int fd)
{
	duplex->reader.fd = fd;
}

int
duplex_want(struct duplex *duplex, struct loop *loop,
    enum poller_interest reader, enum poller_interest writer)
{
	if (loop_watch(loop, &duplex->reader, reader) == -1)
		return -1;
	if (writer != POLLER_NOTHING && duplex->writer.fd == -1) {
		duplex->writer.fd =
		    fcntl(duplex->reader.fd, F_DUPFD_CLOEXEC, 0);
		if (duplex->writer.fd == -1)
			return -1;
	}
	return loop_watch(loop, &duplex->writer, writer);
}

static void
close_side(struct watch *side)
{
	if (side->fd != -1)
		(void)sys_close(side->fd);
	side->fd = -1;
}

void
duplex_close(struct duplex *duplex, struct loop *loop)
{
	if (duplex->writer.fd != -1) {
		/* A kernel may keep one that is closed for its duplicate. */
		(void)loop_watch(loop, &duplex->reader, POLLER_NOTHING);
		(void)loop_watch(loop, &duplex->writer, POLLER_NOTHING);
	}
	loop_unwatch(loop, &duplex->reader);
	close_side(&duplex->reader);
	close_side(&duplex->writer);
}
