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

void
record_begin(
    struct record *record, const union peer_address *peer, uint64_t now)
{
	*record = (struct record){.began = now, .peer = *peer};
}

void
record_set_client(struct record *record, const union peer_address *client)
{
	record->peer = *client;
	record->is_proxied = true;
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
	bool is_known =
	    address->sa_family == AF_INET || address->sa_family == AF_INET6;
	return is_known ? address_format(address, text) : "unknown";
}

void
record_log(const struct record *record, struct record_limit *limit, int fd,
    enum counter reason, uint64_t now)
{
	char peer[ADDRESS_TEXT_MAX], listener[ADDRESS_TEXT_MAX];
	struct sockaddr_storage local;
	if (!log_enabled(LOG_LEVEL_INFO) || !pass(limit, now))
		return;
	if (sys_getsockname(fd, &local) == -1)
		local.ss_family = AF_UNSPEC;
	uint64_t ms = now - record->began;
	log_info("connection peer=%s listener=%s received=%" PRIu64
		 " sent=%" PRIu64 " seconds=%" PRIu64 ".%03u reason=%s",
	    describe(&record->peer.any, peer),
	    describe((struct sockaddr *)&local, listener), record->received,
	    record->sent, ms / 1000, (unsigned)(ms % 1000),
	    counter_rows[reason].name);
}

void
record_tell(struct record_limit *limit)
{
	if (limit->left_out > 0)
		log_info("connections left-out=%" PRIu64, limit->left_out);
	limit->left_out = 0;
}

void
record_save(const struct record *record, struct inventory_conn *saved)
{
	saved->has_record = 1;
	saved->opened = record->began;
	saved->received = record->received;
	saved->sent = record->sent;
	saved->is_proxied = record->is_proxied;
	memcpy(saved->peer, &record->peer, sizeof record->peer);
}

void
record_restore(struct record *record, const struct inventory_conn *saved,
    int fd, uint64_t now)
{
	struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
	union peer_address known;
	/* After a reset the system no longer knows it. */
	if (sys_getpeername(fd, &peer) == -1)
		peer.ss_family = AF_UNSPEC;
	memcpy(&known, &peer, sizeof known);
	record_begin(record, &known, now);
	if (saved->has_record != 1)
		return;
	record->began = saved->opened < now ? saved->opened : now;
	record->received = saved->received;
	record->sent = saved->sent;
	record->is_proxied = saved->is_proxied == 1;
	/* What the system still knows is right, but it may be a proxy. */
	if (record->is_proxied || record->peer.any.sa_family == AF_UNSPEC)
		memcpy(&record->peer, saved->peer, sizeof record->peer);
}
