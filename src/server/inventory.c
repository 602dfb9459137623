/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/inventory.h"

#include <string.h>

/* The layout is the same for every compiler. */
_Static_assert(sizeof(struct inventory_header) == 64 &&
		   sizeof(struct inventory_counter) == 32 &&
		   sizeof(struct inventory_listener) == 176 &&
		   sizeof(struct inventory_conn) == 128,
    "a change of the format needs another version");

size_t
inventory_plan(struct inventory_header *header, size_t ncounters,
    size_t nlisteners, size_t nconns, size_t npending)
{
	*header = (struct inventory_header){
	    .magic = INVENTORY_MAGIC,
	    .version = INVENTORY_VERSION,
	    .readable_by = INVENTORY_READABLE_BY,
	    .size = sizeof(struct inventory_header),
	    .counter_size = sizeof(struct inventory_counter),
	    .listener_size = sizeof(struct inventory_listener),
	    .conn_size = sizeof(struct inventory_conn),
	    .ncounters = (uint32_t)ncounters,
	    .nlisteners = (uint32_t)nlisteners,
	    .nconns = (uint32_t)nconns,
	    .npending = npending,
	};
	return sizeof *header + ncounters * sizeof(struct inventory_counter) +
	       nlisteners * sizeof(struct inventory_listener) +
	       nconns * sizeof(struct inventory_conn) + npending;
}

/* Adds a section of n structures; false when it is not within the size. */
static bool
add(const struct inventory *inventory, size_t *end, uint64_t n, uint64_t each)
{
	size_t left = inventory->size - *end;
	if (each != 0 && n > left / each)
		return false;
	*end += (size_t)(n * each);
	return true;
}

static bool
lay_out(struct inventory *inventory)
{
	const struct inventory_header *header = &inventory->header;
	size_t end = 0;
	if (!add(inventory, &end, 1, header->size))
		return false;
	inventory->counters = end;
	if (!add(inventory, &end, header->ncounters, header->counter_size))
		return false;
	inventory->listeners = end;
	if (!add(inventory, &end, header->nlisteners, header->listener_size))
		return false;
	inventory->conns = end;
	if (!add(inventory, &end, header->nconns, header->conn_size))
		return false;
	inventory->pending = end;
	return add(inventory, &end, header->npending, 1);
}

void
inventory_lay_out(
    struct inventory *inventory, const struct inventory_header *header)
{
	*inventory = (struct inventory){.size = SIZE_MAX, .header = *header};
	(void)lay_out(inventory);
}

/* Copies a structure of one size to one of another. */
static void
copy(void *to, size_t size, const unsigned char *from, size_t from_size)
{
	memset(to, 0, size);
	memcpy(to, from, size < from_size ? size : from_size);
}

/* All pending output is what the connections have, one after the other. */
static bool
adds_up(const struct inventory *inventory)
{
	uint64_t left = inventory->header.npending;
	struct inventory_conn conn;
	for (size_t i = 0; i < inventory->header.nconns; i++) {
		inventory_conn(inventory, i, &conn);
		if (conn.pending > left)
			return false;
		left -= conn.pending;
	}
	return left == 0;
}

const char *
inventory_read(struct inventory *inventory, const void *bytes, size_t size)
{
	struct inventory_header *header = &inventory->header;
	/* What every version begins with: how it is called and who reads it. */
	size_t least = offsetof(struct inventory_header, counter_size);
	*inventory = (struct inventory){.bytes = bytes, .size = size};
	if (size < least ||
	    memcmp(bytes, INVENTORY_MAGIC, sizeof INVENTORY_MAGIC) != 0)
		return "it is no inventory of upcased";
	memcpy(header, bytes, least);
	if (header->readable_by > INVENTORY_VERSION)
		return "it was written by a version that this one does not "
		       "understand";
	if (header->size < least || header->size > size)
		return "it is damaged";
	copy(header, sizeof *header, bytes, header->size);
	if (!lay_out(inventory) || !adds_up(inventory))
		return "it is damaged";
	return NULL;
}

/* Record i of the section that begins there, whose records have that size. */
static void
read_record(const struct inventory *inventory, size_t begin, size_t each,
    size_t i, void *record, size_t size)
{
	copy(record, size, inventory->bytes + begin + i * each, each);
}

void
inventory_counter(const struct inventory *inventory, size_t i,
    struct inventory_counter *counter)
{
	read_record(inventory, inventory->counters,
	    inventory->header.counter_size, i, counter, sizeof *counter);
	counter->name[sizeof counter->name - 1] = '\0';
}

void
inventory_listener(const struct inventory *inventory, size_t i,
    struct inventory_listener *listener)
{
	read_record(inventory, inventory->listeners,
	    inventory->header.listener_size, i, listener, sizeof *listener);
	listener->transport[sizeof listener->transport - 1] = '\0';
	listener->service[sizeof listener->service - 1] = '\0';
}

void
inventory_conn(
    const struct inventory *inventory, size_t i, struct inventory_conn *conn)
{
	read_record(inventory, inventory->conns, inventory->header.conn_size, i,
	    conn, sizeof *conn);
}
