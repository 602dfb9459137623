/* SPDX-License-Identifier: ISC */
/* What upcase.h promises to those who do not know how it is made. */
#include "unit/runner.h"
#include "unit/upcase/upcase_oracle.h"
#include "upcase.h"
#include "upcase/dispatch.h"
#include "upcase/stream.h"
#include "upcase/tailoring.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* More than the transform takes at once where the room is short. */
enum { LONG = 5000, NTHREADS = 8 };

/* What stands behind each buffer, and must stay there. */
enum { GUARD = 16, MARK = 0x5a };

/* Characters of each length that grow, shrink or stay, and bad bytes. */
static const unsigned char mixed[] =
    "a\xc3\x9f\xce\x90 \xe1\xba\xa1\xf0\x90\x90\xa8\xc4\xb1\xef\xac\x83\xff"
    "\xe2\x82z\xe1\x83\x90\xf0\x9f\x8c";

static struct upcase
begin(uint32_t invalid)
{
	struct upcase u;
	const struct upcase_options options = {.invalid = invalid};
	ck_assert_int_eq(upcase_init(&u, &options), 0);
	return u;
}

/* A text of any length, and what has to come back. */
struct sample {
	unsigned char text[LONG], answer[UPCASE_BOUND(LONG)];
	size_t n, length;
};

static void
sample_make(struct sample *s, size_t n, enum upcase_invalid invalid)
{
	bool refused;
	s->n = n;
	for (size_t i = 0; i < n; i++)
		s->text[i] = mixed[i % (sizeof mixed - 1)];
	s->length =
	    oracle_answer(s->answer, s->text, n, invalid, true, &refused);
}

START_TEST(a_text_is_answered_alike_however_it_is_cut_in_three)
{
	static struct sample s;
	sample_make(&s, sizeof mixed - 1, (enum upcase_invalid)_i);
	for (size_t first = 0; first <= s.n; first++) {
		for (size_t second = first; second <= s.n; second++) {
			struct upcase u = begin((uint32_t)_i);
			unsigned char got[4 * UPCASE_BOUND(sizeof mixed)];
			const size_t cuts[] = {0, first, second, s.n};
			size_t length = 0;
			for (int i = 0; i < 3; i++)
				length += upcase_update(&u, got + length,
				    sizeof got - length, s.text + cuts[i],
				    cuts[i + 1] - cuts[i]);
			length +=
			    upcase_final(&u, got + length, sizeof got - length);
			ck_assert_uint_eq(length, s.length);
			ck_assert_int_eq(memcmp(got, s.answer, length), 0);
		}
	}
}
END_TEST

/* One update with that much room: the answer, or nothing but its length. */
static void
update_with(struct upcase *u, size_t size, const struct sample *s, size_t want)
{
	static unsigned char got[UPCASE_BOUND(LONG) + GUARD];
	unsigned char guard[GUARD];
	const struct upcase before = *u;
	memset(got, MARK, size + GUARD);
	memset(guard, MARK, GUARD);
	ck_assert_uint_eq(upcase_update(u, got, size, s->text, s->n), want);
	ck_assert_int_eq(memcmp(got + size, guard, GUARD), 0);
	if (want <= size)
		ck_assert_int_eq(memcmp(got, s->answer, want), 0);
	else
		ck_assert_int_eq(memcmp(u, &before, sizeof before), 0);
}

START_TEST(a_short_buffer_is_told_the_size_and_not_written_past)
{
	static struct sample s;
	static const size_t lengths[] = {1, 30, 1023, 1024, 1025, LONG};
	for (int i = 0; i < LENGTH(lengths); i++) {
		sample_make(&s, lengths[i], UPCASE_REPLACE);
		struct upcase u = begin(UPCASE_REPLACE);
		size_t bound = upcase_bound(&u, s.n);
		struct upcase whole = u;
		static unsigned char room[UPCASE_BOUND(LONG)];
		size_t want = upcase_update(&whole, room, bound, s.text, s.n);
		size_t held =
		    upcase_final(&whole, room + want, UPCASE_BOUND(0));
		ck_assert_uint_eq(want + held, s.length);
		for (size_t size = 0; size < bound; size += 1 + size / 40) {
			struct upcase tried = u;
			update_with(&tried, size, &s, want);
		}
		if (want > 0)
			update_with(&u, want - 1, &s, want);
		update_with(&u, want, &s, want);
		ck_assert_uint_eq(upcase_final(&u, room, sizeof room), held);
		ck_assert_int_eq(memcmp(room, s.answer + want, held), 0);
	}
}
END_TEST

START_TEST(the_end_of_a_text_asks_for_its_size_too)
{
	struct upcase u = begin(UPCASE_PASS);
	unsigned char got[] = {MARK, MARK, MARK, MARK};
	const unsigned char part[] = {0xf0, 0x9f, 0x8c};
	ck_assert_uint_eq(upcase_update(&u, NULL, 0, part, 3), 0);
	ck_assert_uint_eq(upcase_final(&u, got, 2), 3);
	ck_assert_int_eq(got[2], MARK);
	ck_assert_uint_eq(upcase_final(&u, got, 3), 3);
	ck_assert_int_eq(memcmp(got, part, 3), 0);
	ck_assert_int_eq(got[3], MARK);
	/* Another text begins. */
	ck_assert_uint_eq(upcase_final(&u, NULL, 0), 0);
	ck_assert_uint_eq(upcase_update(&u, got, 1, part, 0), 0);
	ck_assert_uint_eq(
	    upcase_update(&u, got, 1, (const unsigned char *)"x", 1), 1);
	ck_assert_int_eq(got[0], 'X');
}
END_TEST

START_TEST(a_refusal_is_told_and_a_copy_goes_on_by_itself)
{
	struct upcase u = begin(UPCASE_CLOSE);
	struct upcase copy = u;
	unsigned char got[UPCASE_BOUND(4)];
	ck_assert_uint_eq(upcase_update(&u, got, sizeof got,
			      (const unsigned char *)"a\xff"
						     "b",
			      3),
	    1);
	ck_assert_int_eq(upcase_refused(&u), 1);
	ck_assert_int_eq(upcase_refused(&copy), 0);
	ck_assert_uint_eq(upcase_final(&u, NULL, 0), 0);
	ck_assert_int_eq(upcase_refused(&u), 1);
	ck_assert_int_eq(upcase_init(&u, NULL), 0);
	ck_assert_int_eq(upcase_refused(&u), 0);
}
END_TEST

START_TEST(the_root_locale_has_three_names_and_no_options_are_zeros)
{
	static const char *const names[] = {NULL, "", "root"};
	struct upcase plain, named;
	ck_assert_int_eq(upcase_init(&plain, NULL), 0);
	for (int i = 0; i < LENGTH(names); i++) {
		const struct upcase_options options = {.language = names[i]};
		memset(&named, 0xff, sizeof named);
		ck_assert_int_eq(upcase_init(&named, &options), 0);
		ck_assert_int_eq(memcmp(&named, &plain, sizeof plain), 0);
	}
}
END_TEST

START_TEST(what_is_not_known_is_refused_and_changes_nothing)
{
	const struct upcase_options unknown[] = {
	    {.language = "roo"},
	    {.language = "rooted"},
	    {.language = "ROOT"},
	    {.invalid = UPCASE_CLOSE + 1},
	    {.invalid = UINT32_MAX},
	    {.reserved = {1}},
	    {.reserved = {0, 0, 0, 0, 1}},
	};
	struct upcase u;
	memset(&u, 0xff, sizeof u);
	const struct upcase before = u;
	for (int i = 0; i < LENGTH(unknown); i++) {
		errno = 0;
		ck_assert_int_eq(upcase_init(&u, &unknown[i]), -1);
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_int_eq(memcmp(&u, &before, sizeof u), 0);
	}
}
END_TEST

START_TEST(a_bound_that_is_no_size_is_the_largest_and_then_nothing_is_read)
{
	struct upcase u = begin(UPCASE_PASS);
	size_t most = SIZE_MAX / UPCASE_EXPANSION - UPCASE_CARRY;
	const struct upcase before = u;
	ck_assert_uint_eq(upcase_bound(&u, 0), UPCASE_BOUND(0));
	ck_assert_uint_eq(upcase_bound(&u, 1000), UPCASE_BOUND(1000));
	ck_assert_uint_eq(upcase_bound(&u, most - 1), UPCASE_BOUND(most - 1));
	ck_assert_uint_eq(upcase_bound(&u, most + 1), SIZE_MAX);
	ck_assert_uint_eq(upcase_bound(&u, SIZE_MAX), SIZE_MAX);
	ck_assert_uint_eq(upcase_update(&u, NULL, 0, NULL, SIZE_MAX), SIZE_MAX);
	ck_assert_uint_eq(upcase_update(&u, NULL, 0, NULL, most + 1), SIZE_MAX);
	ck_assert_int_eq(memcmp(&u, &before, sizeof u), 0);
}
END_TEST

START_TEST(the_root_locale_never_makes_none_of_a_character)
{
	const struct upcase_tailoring *root = upcase_tailoring_row(0);
	ck_assert_str_eq(root->name, "root");
	ck_assert_uint_eq(root->expansion, UPCASE_EXPANSION);
	ck_assert_uint_eq(root->carry, UPCASE_CARRY);
	ck_assert(root->triggers == NULL && root->step == NULL);
	ck_assert(!root->drops);
	ck_assert_ptr_null(upcase_tailoring_row(1));
	for (uint32_t code = 0; code <= ORACLE_LAST; code++) {
		unsigned char src[ORACLE_SEQUENCE], got[UPCASE_BOUND(4)];
		struct upcase_stream stream;
		if (!oracle_is_scalar(code))
			continue;
		upcase_stream_init(&stream, UPCASE_CLOSE);
		if (upcase_stream_update(
			&stream, got, src, oracle_encode(src, code)) == 0)
			ck_abort_msg("U+%04X becomes nothing", code);
	}
}
END_TEST

static atomic_int nthere;
static struct sample shared;

static void *
convert(void *answers)
{
	runner_begin_thread();
	(void)atomic_fetch_add(&nthere, 1);
	while (atomic_load(&nthere) < NTHREADS)
		(void)sched_yield();
	struct upcase u = begin(UPCASE_REPLACE);
	unsigned char *dst = answers;
	size_t length =
	    upcase_update(&u, dst, UPCASE_BOUND(LONG), shared.text, shared.n);
	length += upcase_final(&u, dst + length, UPCASE_BOUND(LONG) - length);
	return length == shared.length &&
		       memcmp(dst, shared.answer, length) == 0
		   ? answers
		   : NULL;
}

START_TEST(threads_may_make_the_first_call_at_the_same_time)
{
	static unsigned char answers[NTHREADS][UPCASE_BOUND(LONG)];
	pthread_t threads[NTHREADS];
	sample_make(&shared, LONG, UPCASE_REPLACE);
	for (int round = 0; round < 20; round++) {
		atomic_store(&upcase_dispatch_choice, NULL);
		atomic_store(&nthere, 0);
		for (size_t i = 0; i < NTHREADS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL,
					     convert, answers[i]),
			    0);
		for (size_t i = 0; i < NTHREADS; i++) {
			void *good;
			ck_assert_int_eq(pthread_join(threads[i], &good), 0);
			ck_assert_ptr_nonnull(good);
		}
		ck_assert_str_eq(upcase_kernel_in_use(), upcase_kernel(0));
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("library");
	TCase *calls = tcase_create("calls");
	tcase_add_unchecked_fixture(calls, oracle_load, NULL);
	tcase_add_loop_test(calls,
	    a_text_is_answered_alike_however_it_is_cut_in_three, UPCASE_PASS,
	    UPCASE_CLOSE + 1);
	tcase_add_test(
	    calls, a_short_buffer_is_told_the_size_and_not_written_past);
	tcase_add_test(calls, the_end_of_a_text_asks_for_its_size_too);
	tcase_add_test(calls, a_refusal_is_told_and_a_copy_goes_on_by_itself);
	tcase_add_test(
	    calls, the_root_locale_has_three_names_and_no_options_are_zeros);
	tcase_add_test(calls, what_is_not_known_is_refused_and_changes_nothing);
	tcase_add_test(calls,
	    a_bound_that_is_no_size_is_the_largest_and_then_nothing_is_read);
	tcase_add_test(calls, the_root_locale_never_makes_none_of_a_character);
	tcase_add_test(calls, threads_may_make_the_first_call_at_the_same_time);
	suite_add_tcase(suite, calls);
	return suite;
}
