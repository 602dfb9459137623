/* SPDX-License-Identifier: ISC */
/*
 * What becomes of each record of a connection, possible or not.  That a server
 * goes on with what another has packed is for the simulation.
 */
#include "config.h"

#include "server/unpacking.h"

#include "base/log.h"
#include "base/sys.h"
#include "fake/kernel.h"
#include "net/proxy.h"
#include "server/conn_machine.h"
#include "server/conn_state.h"
#include "server/packing.h"
#include "server/service.h"
#include "unit/runner.h"

#include <stdlib.h>
#include <string.h>

static const struct settings settings = {.workers = 1,
    .idle_ms = 1000,
    .stall_ms = 500,
    .linger_ms = 100,
    .greeting_ms = 200,
    .nproxies = 1};

enum { NSLOTS = 2, NBLOCKS = 4 };

static struct loop *loop;
static struct shard shard;
static struct counters counters;
static struct inventory inventory;
static unsigned char bytes[2048];

static void
set_up(void)
{
	log_open("test", LOG_LEVEL_ERROR);
	kernel_boot();
	memset(&counters, 0, sizeof counters);
	loop = loop_open(NULL);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(shard_open(&shard, loop, &settings, &counters, NSLOTS,
			     NBLOCKS, conn_expired, conn_evict),
	    0);
	const struct siphash_key key = {{1, 2}};
	shard.sources = sources_open(&settings, NSLOTS, &key);
	ck_assert_ptr_nonnull(shard.sources);
	/* All counters by their names, so that causes have some. */
	struct inventory_header header;
	struct packing packing;
	size_t totals[NCOUNTERS] = {0};
	size_t size = inventory_plan(&header, NCOUNTERS, 0, 0, 0);
	ck_assert_uint_le(size, sizeof bytes);
	packing_begin(&packing, &header, bytes, NULL);
	packing_add_counters(&packing, totals);
	ck_assert_ptr_null(inventory_read(&inventory, bytes, size));
}

static void
tear_down(void)
{
	shard_close(&shard);
	sources_close(shard.sources);
	loop_close(loop);
	ck_assert_uint_eq(kernel_halt(), 0);
}

static size_t
count(enum counter counter)
{
	return atomic_load(&counters.values[counter]);
}

/* Whether a connection goes on as the record says; all is as before then. */
static bool
goes_on(const struct inventory_conn *record)
{
	static const unsigned char pending[PROXY_HEADER_MAX] = {0};
	int fd = sys_socket(AF_INET);
	struct kernel_socket *socket = kernel_find(fd);
	size_t failed = count(COUNTER_FAILED);
	if (unpack_conn(&inventory, record, pending, &shard, fd) == -1) {
		ck_assert(socket->closed && socket->resets);
		ck_assert_uint_eq(count(COUNTER_FAILED), failed + 1);
		return false;
	}
	struct conn *conn = &shard.slots[0];
	ck_assert_uint_eq(conn->state, record->state);
	ck_assert_uint_eq(conn->cause, record->cause);
	ck_assert_int_eq(conn->watch.wants == POLLER_NOTHING,
	    record->state == CONN_DELIVERING);
	ck_assert(!socket->closed);
	conn_leave(conn);
	ck_assert_uint_eq(pool_room(&shard.pool), NBLOCKS * POOL_BLOCK_OUTPUT);
	(void)sys_close(fd);
	return true;
}

START_TEST(each_state_goes_on_with_what_it_can_have_and_no_other)
{
	unsigned n = 0;
	for (unsigned state = 0; state < 256; state++) {
		for (unsigned has = 0; has < 2; has++) {
			const struct inventory_conn record = {
			    .began = kernel.now - 10,
			    .pending = has * 64,
			    .state = (uint8_t)state,
			    .cause = COUNTER_FAILED,
			};
			bool sends =
			    state == CONN_SENDING || state == CONN_FINISHING ||
			    state == CONN_ENDING || state == CONN_GREETING;
			bool can = state < CONN_CLOSED && (!has || sends) &&
				   (has || state != CONN_SENDING);
			ck_assert_msg(goes_on(&record) == can, "state %u, %u",
			    state, has);
			n += can;
		}
	}
	ck_assert_uint_eq(n, CONN_CLOSED - 1 + 4);
}
END_TEST

START_TEST(each_number_that_is_out_of_bounds_is_refused)
{
	const struct inventory_conn good = {
	    .began = kernel.now, .cause = COUNTER_ENDED};
	ck_assert(goes_on(&good));
	struct inventory_conn bad[8];
	for (int i = 0; i < LENGTH(bad); i++)
		bad[i] = good;
	bad[0].cause = COUNTER_FAILED + 1;
	bad[1].cause = NCOUNTERS;
	bad[2].service = NSERVICES;
	bad[3].nlooks = SHARD_LOOKS;
	bad[4].text.invalid = UPCASE_CLOSE + 1;
	bad[5].text.refused = 2;
	bad[6].text.nheld = UPCASE_CARRY + 1;
	/* Nothing is held back that can be answered. */
	bad[7].text.nheld = 1;
	bad[7].text.held[0] = 'a';
	for (int i = 0; i < LENGTH(bad); i++)
		ck_assert_msg(!goes_on(&bad[i]), "%d", i);
	/* Output for which there is no room. */
	struct inventory_conn large = good;
	large.state = CONN_SENDING;
	large.pending = NBLOCKS * POOL_BLOCK_OUTPUT + 1;
	ck_assert(!goes_on(&large));
}
END_TEST

START_TEST(a_header_goes_on_only_where_it_fits_and_is_asked_for)
{
	struct inventory_conn record = {
	    .began = kernel.now,
	    .pending = PROXY_HEADER_MAX - 1,
	    .state = CONN_GREETING,
	    .cause = COUNTER_FAILED,
	};
	ck_assert(goes_on(&record));
	record.pending = PROXY_HEADER_MAX;
	ck_assert(!goes_on(&record));
	record.pending = 0;
	ck_assert(goes_on(&record));
	struct record *records = shard.records;
	shard.records = NULL;
	ck_assert(!goes_on(&record));
	shard.records = records;
}
END_TEST

START_TEST(half_a_character_is_whole_with_the_other_half)
{
	struct upcase_stream before, after;
	struct upcase_saved saved;
	unsigned char answer[32];
	static const char text[] = "x\xf0\x90\x90\xa8";
	for (size_t n = 1; n <= 5; n++) {
		upcase_stream_init(&before, UPCASE_REPLACE);
		(void)upcase_stream_update(
		    &before, answer, (const unsigned char *)text, n);
		upcase_stream_save(&before, &saved);
		ck_assert_int_eq(upcase_stream_restore(&after, &saved), 0);
		size_t size = upcase_stream_update(
		    &after, answer, (const unsigned char *)text + n, 5 - n);
		if (n > 1 && n < 5)
			ck_assert_mem_eq(answer, "\xf0\x90\x90\x80", 4);
		ck_assert_uint_eq(size, n == 5 ? 0 : 4);
	}
	upcase_stream_init(&before, UPCASE_CLOSE);
	(void)upcase_stream_update(
	    &before, answer, (const unsigned char *)"\xff", 1);
	upcase_stream_save(&before, &saved);
	ck_assert_int_eq(upcase_stream_restore(&after, &saved), 0);
	ck_assert(upcase_stream_refused(&after));
}
END_TEST

START_TEST(counters_go_on_by_their_names)
{
	struct inventory_counter counter = {.name = "received", .value = 77};
	memcpy(bytes + inventory.counters, &counter, sizeof counter);
	struct inventory_counter unknown = {.name = "later", .value = 5};
	memcpy(bytes + inventory.counters + sizeof counter, &unknown,
	    sizeof unknown);
	unpack_counters(&inventory, &counters);
	for (int i = 0; i < NCOUNTERS; i++)
		ck_assert_uint_eq(
		    count((enum counter)i), i == COUNTER_RECEIVED ? 77 : 0);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("unpacking");
	TCase *tcase = tcase_create("unpacking");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(
	    tcase, each_state_goes_on_with_what_it_can_have_and_no_other);
	tcase_add_test(tcase, each_number_that_is_out_of_bounds_is_refused);
	tcase_add_test(
	    tcase, a_header_goes_on_only_where_it_fits_and_is_asked_for);
	tcase_add_test(tcase, half_a_character_is_whole_with_the_other_half);
	tcase_add_test(tcase, counters_go_on_by_their_names);
	return suite;
}
