/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/duplex.h"

#include "base/sys.h"

#include <fcntl.h>

void
duplex_init(struct duplex *duplex)
{
	duplex->reader = (struct side){.duplex = duplex, .fd = -1};
	duplex->writer = duplex->reader;
}

void
duplex_open(struct duplex *duplex, int fd)
{
	duplex->reader.fd = fd;
}

static int
want(struct side *side, struct poller *poller, enum poller_interest wants)
{
	if (poller_set(poller, side->fd, side->wants, wants, side) == -1)
		return -1;
	side->wants = wants;
	return 0;
}

int
duplex_want(struct duplex *duplex, struct poller *poller,
    enum poller_interest reader, enum poller_interest writer)
{
	struct side *sides[] = {&duplex->reader, &duplex->writer};
	if (sides[0]->wants != reader && want(sides[0], poller, reader) == -1)
		return -1;
	if (sides[1]->wants == writer)
		return 0;
	if (sides[1]->fd == -1)
		sides[1]->fd = fcntl(sides[0]->fd, F_DUPFD_CLOEXEC, 0);
	return sides[1]->fd == -1 ? -1 : want(sides[1], poller, writer);
}

/*
 * Both descriptors go in one step: a kernel that forgets a closed socket does
 * so when its last descriptor is closed.
 */
void
duplex_close(struct duplex *duplex, struct poller *poller)
{
	struct side *const sides[] = {&duplex->reader, &duplex->writer};
	for (int i = 0; i < 2; i++) {
		if (sides[i]->fd == -1)
			continue;
		poller_forget(poller, sides[i]->fd, sides[i]->wants);
		(void)sys_close(sides[i]->fd);
		sides[i]->fd = -1;
		sides[i]->wants = POLLER_NOTHING;
	}
}
