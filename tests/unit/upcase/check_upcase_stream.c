/* SPDX-License-Identifier: ISC */
/* That the answer does not depend on how the text was cut. */
#include "unit/runner.h"
#include "unit/upcase/each_kernel.h"
#include "unit/upcase/upcase_oracle.h"
#include "upcase/stream.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The longest random text, in bytes; more than any block of a kernel. */
#define LONGEST 400

static const enum upcase_invalid policies[] = {
    UPCASE_PASS,
    UPCASE_REPLACE,
    UPCASE_CLOSE,
};

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

/* Memory between two pages that cannot be touched. */
struct guarded {
	unsigned char *map;
	unsigned char *first; /* usable byte */
	unsigned char *end;   /* of the usable bytes */
	size_t mapped;
};

static struct guarded
guarded_new(size_t room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t usable = (room + page - 1) / page * page;
	struct guarded g = {.mapped = usable + 2 * page};

	g.map =
	    mmap(NULL, g.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_msg(g.map != MAP_FAILED, "mmap: %s", strerror(errno));
	g.first = g.map + page;
	g.end = g.first + usable;
	ck_assert_int_eq(mprotect(g.first, usable, PROT_READ | PROT_WRITE), 0);
	return g;
}

static void
guarded_free(struct guarded *g)
{
	munmap(g->map, g->mapped);
}

static uint64_t random_state;

/* Marsaglia's xorshift64: a seed gives the same texts everywhere. */
static uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

/* Takes the seed from UPCASE_SEED, else from the clock, and prints it. */
static void
seed_random(void)
{
	const char *given = getenv("UPCASE_SEED");

	random_state =
	    given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("# UPCASE_SEED=%llu\n", (unsigned long long)random_state);
	fflush(stdout);
	random_state = random_state * 0x9e3779b97f4a7c15 | 1;
}

/* A scalar value from a block where much changes, or from anywhere. */
static uint32_t
random_code(void)
{
	static const uint32_t blocks[] = {0x80, 0x100, 0x200, 0x380, 0x400,
	    0x530, 0x10d0, 0x13f0, 0x1e00, 0x1f80, 0x2c60, 0xa640, 0xab70,
	    0xfb00, 0x10428, 0x1e922};
	uint32_t code = random_below(ORACLE_LAST + 1);

	if (random_below(8) != 0)
		code = blocks[random_below(16)] + random_below(0x80);
	return oracle_is_scalar(code) ? code : 0x390;
}

/* Writes at most LONGEST bytes: words, sequences, and some that are bad. */
static size_t
random_text(unsigned char *text, bool with_bad_bytes)
{
	size_t longest = random_below(LONGEST - 24);
	size_t n = 0;

	while (n < longest) {
		uint32_t dice = random_below(with_bad_bytes ? 9 : 7);
		if (dice < 2) {
			for (uint32_t i = random_below(20); i > 0; i--)
				text[n++] = (unsigned char)random_below(0x80);
		} else if (dice < 7) {
			n += oracle_encode(text + n, random_code());
		} else if (dice < 8) {
			n += oracle_encode(text + n, random_code()) - 1;
		} else {
			text[n++] = (unsigned char)random_below(256);
		}
	}
	return n;
}

/* Two buffers in guarded memory, and the stream that is sent through them. */
struct pipe {
	struct upcase_stream u;
	struct guarded src;
	struct guarded dst;
	bool at_end; /* the buffers touch the page behind, else that before */
	unsigned char answer[UPCASE_BOUND(LONGEST) + UPCASE_BOUND(0)];
	size_t len;
};

static void
pipe_send(struct pipe *p, const unsigned char *src, size_t n)
{
	size_t room = UPCASE_BOUND(n);
	unsigned char *from = p->at_end ? p->src.end - n : p->src.first;
	unsigned char *to = p->at_end ? p->dst.end - room : p->dst.first;

	if (n > 0)
		memcpy(from, src, n);
	size_t len = upcase_stream_update(&p->u, to, from, n);
	ck_assert_uint_le(len, room);
	memcpy(p->answer + p->len, to, len);
	p->len += len;
}

static void
pipe_end(struct pipe *p)
{
	size_t room = UPCASE_BOUND(0);
	unsigned char *to = p->at_end ? p->dst.end - room : p->dst.first;

	size_t len = upcase_stream_final(&p->u, to);
	ck_assert_uint_le(len, room);
	memcpy(p->answer + p->len, to, len);
	p->len += len;
}

static void
pipe_compare(struct pipe *p, const unsigned char *src, size_t n, bool ended)
{
	unsigned char want[sizeof(p->answer)];
	bool refused;
	size_t len = oracle_answer(
	    want, src, n, (enum upcase_invalid)p->u.invalid, ended, &refused);

	ck_assert_uint_eq(p->len, len);
	ck_assert_int_eq(memcmp(p->answer, want, len), 0);
	ck_assert_int_eq(upcase_stream_refused(&p->u), refused);
}

/* Sends src cut at random and compares the answer after each piece. */
static void
send_cut(struct pipe *p, enum upcase_invalid invalid, const unsigned char *src,
    size_t n, uint32_t longest)
{
	upcase_stream_init(&p->u, invalid);
	p->len = 0;
	for (size_t at = 0; at < n;) {
		size_t piece = random_below(longest + 1);
		piece = piece < n - at ? piece : n - at;
		pipe_send(p, src + at, piece);
		at += piece;
		pipe_compare(p, src, at, false);
	}
	pipe_end(p);
	pipe_compare(p, src, n, true);
}

START_TEST(every_split_of_every_scalar_value_gives_the_same_answer)
{
	for (uint32_t code = 0x80; code <= ORACLE_LAST; code++) {
		unsigned char src[ORACLE_SEQUENCE];
		unsigned char want[ORACLE_ANSWER];
		if (!oracle_is_scalar(code))
			continue;
		size_t n = oracle_encode(src, code);
		size_t len = oracle_upper(want, code);
		for (size_t split = 1; split < n; split++) {
			unsigned char got[UPCASE_BOUND(ORACLE_SEQUENCE)];
			struct upcase_stream u;
			upcase_stream_init(&u, UPCASE_REPLACE);
			size_t early =
			    upcase_stream_update(&u, got, src, split);
			size_t late = upcase_stream_update(
			    &u, got, src + split, n - split);
			if (early != 0 || late != len ||
			    memcmp(got, want, len) != 0 ||
			    upcase_stream_final(&u, got) != 0)
				ck_abort_msg(
				    "U+%04X split at %zu", code, split);
		}
	}
}
END_TEST

START_TEST(every_scalar_value_sent_byte_by_byte_gives_the_same_answer)
{
	for (uint32_t code = 0; code <= ORACLE_LAST; code++) {
		unsigned char src[ORACLE_SEQUENCE];
		unsigned char want[ORACLE_ANSWER];
		unsigned char got[ORACLE_SEQUENCE * UPCASE_BOUND(1)];
		struct upcase_stream u;
		if (!oracle_is_scalar(code))
			continue;
		size_t n = oracle_encode(src, code);
		size_t len = oracle_upper(want, code);
		size_t out = 0;
		upcase_stream_init(&u, UPCASE_CLOSE);
		for (size_t i = 0; i < n; i++)
			out += upcase_stream_update(&u, got + out, src + i, 1);
		if (out != len || memcmp(got, want, len) != 0)
			ck_abort_msg("U+%04X byte by byte", code);
	}
}
END_TEST

/*
 * Strings of bytes that stand at the limits of what may follow what, cut in
 * all eight ways: a cut sequence may turn out to be bad at any of its bytes.
 */
START_TEST(a_cut_sequence_that_turns_out_bad_is_judged_as_a_whole)
{
	static const unsigned char edges[] = {'a', 0x80, 0x8f, 0x90, 0x9f, 0xa0,
	    0xbf, 0xc1, 0xce, 0xe0, 0xe1, 0xed, 0xf0, 0xf1, 0xf4, 0xf5};

	for (unsigned word = 0; word < 0x10000; word++) {
		unsigned char src[4];
		unsigned char want[UPCASE_BOUND(4)];
		bool refused;
		for (unsigned i = 0; i < 4; i++)
			src[i] = edges[word >> 4 * i & 0xf];
		size_t len =
		    oracle_answer(want, src, 4, policies[_i], true, &refused);
		for (unsigned cuts = 0; cuts < 8; cuts++) {
			unsigned char got[UPCASE_BOUND(4) * 4];
			struct upcase_stream u;
			size_t out = 0;
			size_t from = 0;
			upcase_stream_init(&u, policies[_i]);
			for (size_t to = 1; to <= 4; to++) {
				if (to < 4 && (cuts >> (to - 1) & 1) == 0)
					continue;
				out += upcase_stream_update(
				    &u, got + out, src + from, to - from);
				from = to;
			}
			out += upcase_stream_final(&u, got + out);
			if (out != len || memcmp(got, want, len) != 0 ||
			    upcase_stream_refused(&u) != refused)
				ck_abort_msg("%02x %02x %02x %02x cut by %u",
				    src[0], src[1], src[2], src[3], cuts);
		}
	}
}
END_TEST

/* Covers pieces of a few bytes and pieces longer than a block of a kernel. */
START_TEST(random_text_is_answered_at_once_and_inside_its_buffers)
{
	unsigned char text[LONGEST];
	struct pipe p = {
	    .src = guarded_new(LONGEST),
	    .dst = guarded_new(UPCASE_BOUND(LONGEST)),
	};

	seed_random();
	for (unsigned round = 0; round < 1500; round++) {
		size_t n = random_text(text, round % 2 == 0);
		uint32_t longest = round % 3 == 0 ? LONGEST : 7;
		for (size_t i = 0; i < POLICIES; i++) {
			p.at_end = random_below(2) == 0;
			send_cut(&p, policies[i], text, n, longest);
		}
	}
	guarded_free(&p.src);
	guarded_free(&p.dst);
}
END_TEST

/* The worst growth at every length, each sequence whole and cut in the end. */
START_TEST(the_bound_holds_at_every_length_with_a_sequence_held_back)
{
	static const unsigned char held[] = {0xf0, 0x9f, 0x8c, 0xce};
	unsigned char text[LONGEST];
	struct pipe p = {
	    .src = guarded_new(LONGEST),
	    .dst = guarded_new(UPCASE_BOUND(LONGEST)),
	};

	for (size_t n = 0; n <= 200; n++) {
		for (unsigned way = 0; way < 16; way++) {
			size_t carry = way & 3;
			p.at_end = (way & 4) != 0;
			memcpy(text, carry == 1 ? held + 3 : held, carry);
			for (size_t i = carry; i < carry + n; i++)
				text[i] = (i ^ carry) % 2 == 0 ? 0xce : 0x90;
			if ((way & 8) != 0)
				memset(text + carry, 0xff, n);
			upcase_stream_init(&p.u, UPCASE_REPLACE);
			p.len = 0;
			pipe_send(&p, text, carry);
			pipe_send(&p, text + carry, n);
			pipe_end(&p);
			pipe_compare(&p, text, carry + n, true);
		}
	}
	guarded_free(&p.src);
	guarded_free(&p.dst);
}
END_TEST

START_TEST(a_bad_byte_after_a_cut_refuses_without_the_held_bytes)
{
	unsigned char dst[UPCASE_BOUND(8)];
	struct upcase_stream u;

	upcase_stream_init(&u, UPCASE_CLOSE);
	ck_assert_uint_eq(upcase_stream_update(
			      &u, dst, (const unsigned char *)"a\xe2\x82", 3),
	    1);
	ck_assert(!upcase_stream_refused(&u));
	ck_assert_uint_eq(
	    upcase_stream_update(&u, dst, (const unsigned char *)"bcd", 3), 0);
	ck_assert(upcase_stream_refused(&u));
	ck_assert_uint_eq(upcase_stream_final(&u, dst), 0);
}
END_TEST

static void
add_cases(Suite *s, const char *kernel)
{
	TCase *cuts = kernel_case(s, "cuts", kernel);

	tcase_add_unchecked_fixture(cuts, oracle_load, NULL);
	tcase_add_test(
	    cuts, every_split_of_every_scalar_value_gives_the_same_answer);
	tcase_add_test(
	    cuts, every_scalar_value_sent_byte_by_byte_gives_the_same_answer);
	tcase_add_loop_test(cuts,
	    a_cut_sequence_that_turns_out_bad_is_judged_as_a_whole, 0,
	    POLICIES);
	tcase_add_test(
	    cuts, random_text_is_answered_at_once_and_inside_its_buffers);
	tcase_add_test(
	    cuts, the_bound_holds_at_every_length_with_a_sequence_held_back);
	tcase_add_test(
	    cuts, a_bad_byte_after_a_cut_refuses_without_the_held_bytes);
}

Suite *
suite(void)
{
	Suite *s = suite_create("upcase_stream");
	each_kernel(s, add_cases);
	return s;
}
