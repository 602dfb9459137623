/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "reactor/bell.h"

#include "base/owner.h"
#include "base/sys.h"

#include <errno.h>

static void
hear(struct watch *watch)
{
	struct bell *bell = OWNER_OF(watch, struct bell, watch);
	char bytes[8];
	while (sys_read(watch->fd, bytes, sizeof bytes) > 0)
		continue;
	/*
	 * Cleared before the callback looks, so that whoever rings from here on
	 * writes a byte.  An exchange reads what the last ringer stored, and so
	 * all that was published before is seen.
	 */
	(void)atomic_exchange(&bell->rung, false);
	bell->heard(bell);
}

/*
 * A ring must not fail for lack of memory.  Linux takes the memory of a pipe at
 * its first write, and keeps it when all has been read.
 */
static int
take_memory(const int ends[2])
{
	char byte = 0;
	if (sys_write(ends[1], &byte, 1) == -1)
		return -1;
	return sys_read(ends[0], &byte, 1) == -1 ? -1 : 0;
}

int
bell_open(struct bell *bell, struct loop *loop, void (*heard)(struct bell *))
{
	int ends[2];
	if (sys_pipe(ends) == -1)
		return -1;
	watch_init(&bell->watch, ends[0], hear);
	bell->ringing_end = ends[1];
	bell->heard = heard;
	atomic_init(&bell->rung, false);
	if (take_memory(ends) == 0 &&
	    loop_watch(loop, &bell->watch, POLLER_INPUT) == 0)
		return 0;
	int saved = errno;
	(void)sys_close(ends[0]);
	(void)sys_close(ends[1]);
	errno = saved;
	return -1;
}

void
bell_close(struct bell *bell, struct loop *loop)
{
	loop_unwatch(loop, &bell->watch);
	(void)sys_close(bell->watch.fd);
	(void)sys_close(bell->ringing_end);
}

void
bell_ring(struct bell *bell)
{
	if (atomic_exchange(&bell->rung, true))
		return;
	/*
	 * At most one byte is in the pipe, which has its memory, so the write
	 * fails on no system we know; if it does, the next ring tries again.
	 */
	if (sys_write(bell->ringing_end, "", 1) == -1)
		atomic_store(&bell->rung, false);
}
