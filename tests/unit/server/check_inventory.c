/* SPDX-License-Identifier: ISC */
/* The format of an inventory, in this version, older and newer ones. */
#include "config.h"

#include "server/inventory.h"
#include "unit/runner.h"

#include <stdlib.h>
#include <string.h>

/* An inventory with 2 counters, 1 listener and 3 connections. */
enum { NCOUNTERS_HERE = 2, NLISTENERS = 1, NCONNS = 3, NPENDING = 5 };

static unsigned char bytes[4096];
static size_t size;
static struct inventory inventory;

static struct inventory_header *
header(void)
{
	return (struct inventory_header *)(void *)bytes;
}

/* Puts a structure where the layout has number i of its kind. */
static void
put(size_t begin, size_t i, const void *record, size_t n)
{
	memcpy(bytes + begin + i * n, record, n);
}

static void
write_all(void)
{
	struct inventory_header planned;
	memset(bytes, 0, sizeof bytes);
	size = inventory_plan(
	    &planned, NCOUNTERS_HERE, NLISTENERS, NCONNS, NPENDING);
	memcpy(bytes, &planned, sizeof planned);
	inventory_lay_out(&inventory, &planned);
	struct inventory layout = inventory;
	for (unsigned i = 0; i < NCOUNTERS_HERE; i++) {
		struct inventory_counter counter = {
		    .name = "counter", .value = 7 + i};
		put(layout.counters, i, &counter, sizeof counter);
	}
	struct inventory_listener listener = {
	    .transport = "tcp", .service = "text", .length = 16};
	put(layout.listeners, 0, &listener, sizeof listener);
	for (unsigned i = 0; i < NCONNS; i++) {
		struct inventory_conn conn = {.began = 100 + i,
		    .pending = i == 1 ? NPENDING : 0,
		    .answered = (uint16_t)i,
		    .worker = 3};
		put(layout.conns, i, &conn, sizeof conn);
	}
	memcpy(bytes + layout.pending, "taken", NPENDING);
}

static void
expect_all(void)
{
	struct inventory_counter counter;
	struct inventory_listener listener;
	struct inventory_conn conn;
	ck_assert_uint_eq(inventory.header.ncounters, NCOUNTERS_HERE);
	inventory_counter(&inventory, 1, &counter);
	ck_assert_str_eq(counter.name, "counter");
	ck_assert_uint_eq(counter.value, 8);
	inventory_listener(&inventory, 0, &listener);
	ck_assert_str_eq(listener.transport, "tcp");
	ck_assert_uint_eq(listener.length, 16);
	inventory_conn(&inventory, 2, &conn);
	ck_assert_uint_eq(conn.began, 102);
	ck_assert_uint_eq(conn.answered, 2);
	ck_assert_mem_eq(
	    inventory.bytes + inventory.pending, "taken", NPENDING);
}

START_TEST(what_was_planned_is_read)
{
	write_all();
	ck_assert_ptr_null(inventory_read(&inventory, bytes, size));
	expect_all();
	/* What a later version adds behind all is not ours. */
	ck_assert_ptr_null(inventory_read(&inventory, bytes, size + 100));
	expect_all();
}
END_TEST

START_TEST(a_part_of_it_is_refused_wherever_it_ends)
{
	write_all();
	for (size_t n = 0; n < size; n++) {
		/* A copy, so that a sanitizer sees what is read behind it. */
		unsigned char *part = malloc(n + 1);
		memcpy(part, bytes, n);
		ck_assert_msg(inventory_read(&inventory, part, n) != NULL,
		    "%zu bytes", n);
		free(part);
	}
}
END_TEST

START_TEST(numbers_that_lead_outside_are_refused)
{
	static const size_t offsets[] = {
	    offsetof(struct inventory_header, size),
	    offsetof(struct inventory_header, counter_size),
	    offsetof(struct inventory_header, listener_size),
	    offsetof(struct inventory_header, conn_size),
	    offsetof(struct inventory_header, ncounters),
	    offsetof(struct inventory_header, nlisteners),
	    offsetof(struct inventory_header, nconns),
	    offsetof(struct inventory_header, npending)};
	static const uint32_t values[] = {UINT32_MAX, UINT32_MAX / 2, 4000};
	for (int i = 0; i < LENGTH(offsets); i++) {
		for (int k = 0; k < LENGTH(values); k++) {
			write_all();
			memcpy(bytes + offsets[i], &values[k], 4);
			ck_assert_str_eq(
			    inventory_read(&inventory, bytes, size),
			    "it is damaged");
		}
	}
	/* The pending bytes of the connections are all that there are. */
	for (uint64_t n = NPENDING - 1; n <= NPENDING + 1; n += 2) {
		write_all();
		struct inventory_conn conn = {.pending = n};
		put(inventory.conns, 1, &conn, sizeof conn);
		ck_assert_ptr_nonnull(inventory_read(&inventory, bytes, size));
	}
}
END_TEST

START_TEST(other_files_and_later_formats_are_refused_by_name)
{
	write_all();
	bytes[3] ^= 1;
	ck_assert_str_eq(inventory_read(&inventory, bytes, size),
	    "it is no inventory of upcased");
	write_all();
	header()->version = 9;
	ck_assert_ptr_null(inventory_read(&inventory, bytes, size));
	header()->readable_by = INVENTORY_VERSION + 1;
	ck_assert_ptr_nonnull(
	    strstr(inventory_read(&inventory, bytes, size), "version"));
}
END_TEST

/* Makes each structure longer, or shorter, as another version would. */
static void
resize(const struct inventory *from, int more)
{
	static unsigned char other[sizeof bytes];
	struct inventory_header resized = from->header;
	resized.size = (uint32_t)((int)resized.size + (more > 0 ? more : 0));
	resized.counter_size += (uint32_t)(more > 0 ? more : 0);
	resized.listener_size += (uint32_t)(more > 0 ? more : 0);
	resized.conn_size = (uint32_t)((int)resized.conn_size + more);
	struct inventory to;
	inventory_lay_out(&to, &resized);
	memset(other, 0xee, sizeof other);
	memcpy(other, &resized, sizeof resized);
	for (size_t i = 0; i < NCOUNTERS_HERE; i++)
		memcpy(other + to.counters + i * to.header.counter_size,
		    bytes + from->counters + i * from->header.counter_size,
		    from->header.counter_size);
	memcpy(other + to.listeners, bytes + from->listeners,
	    from->header.listener_size);
	for (size_t i = 0; i < NCONNS; i++)
		memcpy(other + to.conns + i * to.header.conn_size,
		    bytes + from->conns + i * from->header.conn_size,
		    more > 0 ? from->header.conn_size : to.header.conn_size);
	memcpy(other + to.pending, bytes + from->pending, NPENDING);
	size = to.pending + NPENDING;
	memcpy(bytes, other, sizeof bytes);
}

START_TEST(members_that_a_later_version_has_are_left_out)
{
	write_all();
	struct inventory written = inventory;
	resize(&written, 24);
	ck_assert_ptr_null(inventory_read(&inventory, bytes, size));
	expect_all();
}
END_TEST

START_TEST(members_that_an_older_version_lacks_are_0)
{
	struct inventory_conn conn;
	write_all();
	struct inventory written = inventory;
	/* As version 1 had it. */
	resize(&written,
	    (int)offsetof(struct inventory_conn, opened) - (int)sizeof conn);
	ck_assert_ptr_null(inventory_read(&inventory, bytes, size));
	expect_all();
	inventory_conn(&inventory, 0, &conn);
	ck_assert_uint_eq(conn.opened, 0);
	ck_assert_uint_eq(conn.has_record, 0);
}
END_TEST

/* A record as version 1 wrote it on a little-endian machine. */
static const unsigned char record_of_1[] = {1, 2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
    0, 0, 0, 0, 4, 5, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 9, 1, 4, 0,
    1, 0, 2, 1, 0, 2, 0xf0, 0x9f, 0, 5, 0};

START_TEST(a_record_of_version_1_means_what_it_did)
{
	_Static_assert(
	    sizeof record_of_1 == offsetof(struct inventory_conn, opened),
	    "an older record stays in this test");
	const uint16_t one = 1;
	unsigned char low;
	memcpy(&low, &one, 1);
	if (low == 0)
		return;
	struct inventory_conn conn;
	write_all();
	memcpy(bytes + inventory.conns, record_of_1, sizeof record_of_1);
	struct inventory_conn rest = {.pending = NPENDING - 3};
	put(inventory.conns, 1, &rest, sizeof rest);
	ck_assert_ptr_null(inventory_read(&inventory, bytes, size));
	inventory_conn(&inventory, 0, &conn);
	ck_assert_uint_eq(conn.began, 0x201);
	ck_assert_uint_eq(conn.pending, 3);
	ck_assert_uint_eq(conn.moved, 0x504);
	ck_assert_uint_eq(conn.held, 6);
	ck_assert_uint_eq(conn.held_since, 7);
	ck_assert_uint_eq(conn.answered, 0x908);
	ck_assert_uint_eq(conn.state, 1);
	ck_assert_uint_eq(conn.cause, 4);
	ck_assert_uint_eq(conn.service, 0);
	ck_assert_uint_eq(conn.reads, 1);
	ck_assert_uint_eq(conn.is_large, 0);
	ck_assert_uint_eq(conn.nlooks, 2);
	ck_assert_uint_eq(conn.text.invalid, 1);
	ck_assert_uint_eq(conn.text.refused, 0);
	ck_assert_uint_eq(conn.text.nheld, 2);
	ck_assert_mem_eq(conn.text.held, "\xf0\x9f", 3);
	ck_assert_uint_eq(conn.worker, 5);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("inventory");
	TCase *tcase = tcase_create("inventory");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, what_was_planned_is_read);
	tcase_add_test(tcase, a_part_of_it_is_refused_wherever_it_ends);
	tcase_add_test(tcase, numbers_that_lead_outside_are_refused);
	tcase_add_test(
	    tcase, other_files_and_later_formats_are_refused_by_name);
	tcase_add_test(tcase, members_that_a_later_version_has_are_left_out);
	tcase_add_test(tcase, members_that_an_older_version_lacks_are_0);
	tcase_add_test(tcase, a_record_of_version_1_means_what_it_did);
	return suite;
}
