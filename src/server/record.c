/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/record.h"

#include "base/log.h"
#include "base/sys.h"
#include "net/address.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct sockaddr_in6) <=
		   sizeof(((struct inventory_conn *)NULL)->peer),
    "the address of a peer fits where it travels");

static void
note_peer(struct record *record, int fd)
{
	struct sockaddr_storage peer;
	memset(&record->peer, 0, sizeof record->peer);
	/* One that has reset it already is not known. */
	if (sys_getpeername(fd, &peer) == -1)
		peer.ss_family = AF_UNSPEC;
	memcpy(&record->peer, &peer, sizeof record->peer);
}

void
record_begin(struct record *record, int fd, uint64_t now)
{
	*record = (struct record){.began = now};
	note_peer(record, fd);
}

/* False when there were enough lines in this second. */
static bool
pass(struct record_limit *limit, uint64_t now)
{
	if (now - limit->since >= 1000) {
		limit->since = now;
		limit->n = 0;
	}
	if (limit->n < RECORD_LINES) {
		limit->n++;
		return true;
	}
	limit->left_out++;
	return false;
}

static const char *
describe(const struct sockaddr *address, char text[static ADDRESS_TEXT_MAX])
{
	return address->sa_family == AF_UNSPEC ? "unknown"
					       : address_format(address, text);
}

void
record_log(const struct record *record, struct record_limit *limit, int fd,
    enum counter reason, uint64_t now)
{
	char peer[ADDRESS_TEXT_MAX], listener[ADDRESS_TEXT_MAX], note[48] = "";
	struct sockaddr_storage local;
	if (!log_enabled(LOG_LEVEL_INFO) || !pass(limit, now))
		return;
	if (sys_getsockname(fd, &local) == -1)
		local.ss_family = AF_UNSPEC;
	if (limit->left_out > 0)
		(void)snprintf(
		    note, sizeof note, " left-out=%" PRIu64, limit->left_out);
	limit->left_out = 0;
	uint64_t ms = now - record->began;
	log_info("connection peer=%s listener=%s received=%" PRIu64
		 " sent=%" PRIu64 " seconds=%" PRIu64 ".%03u reason=%s%s",
	    describe(&record->peer.any, peer),
	    describe((struct sockaddr *)&local, listener), record->received,
	    record->sent, ms / 1000, (unsigned)(ms % 1000),
	    counter_rows[reason].name, note);
}

void
record_save(const struct record *record, struct inventory_conn *saved)
{
	saved->has_record = 1;
	saved->opened = record->began;
	saved->received = record->received;
	saved->sent = record->sent;
	memcpy(saved->peer, &record->peer, sizeof record->peer);
}

void
record_restore(struct record *record, const struct inventory_conn *saved,
    int fd, uint64_t now)
{
	record_begin(record, fd, now);
	if (saved->has_record != 1)
		return;
	record->began = saved->opened < now ? saved->opened : now;
	record->received = saved->received;
	record->sent = saved->sent;
	/* What the system still knows is right in any case. */
	if (record->peer.any.sa_family == AF_UNSPEC)
		memcpy(&record->peer, saved->peer, sizeof record->peer);
}
