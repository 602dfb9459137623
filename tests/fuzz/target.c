/* SPDX-License-Identifier: ISC */
/* Kernels against the oracle: see target.h. */
#include "config.h"

#include "fuzz/target.h"

#include "unit/upcase/upcase_oracle.h"
#include "upcase/dispatch.h"
#include "upcase/stream.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes that say how, the most kernels of a processor, and its texts. */
enum { HOW = 6, KERNELS_MAX = 4, TIMES_MOST = 15, POLICIES = 3 };

/* A text, and how much of it was sent to how many streams. */
struct session {
	unsigned char *text;
	size_t n, sent;
	struct upcase_stream streams[KERNELS_MAX];
	size_t nstreams; /* one for each kernel */
	bool refused;
};

/* What a call has to answer. */
struct answer {
	unsigned char *bytes;
	size_t n;
};

static void *
allocate(size_t n)
{
	/* One of no bytes may not be touched either. */
	void *memory = malloc(n);
	if (memory == NULL && n > 0)
		err(1, "malloc");
	return memory;
}

static void
complain(const struct session *s, size_t kernel, const char *what)
{
	(void)fprintf(stderr, "%s, policy %u, after %zu of %zu bytes: %s\n",
	    upcase_kernel(kernel), s->streams[kernel].invalid, s->sent, s->n,
	    what);
	abort();
}

static void
compare(const struct session *s, size_t kernel, const struct answer *want,
    const struct answer *got)
{
	const struct upcase_stream *u = &s->streams[kernel];
	if (got->n != want->n)
		complain(s, kernel, "the answer has another length");
	if (got->n > 0 && memcmp(got->bytes, want->bytes, got->n) != 0)
		complain(s, kernel, "the answer is another");
	if (upcase_stream_refused(u) != s->refused)
		complain(s, kernel, "it refuses, or does not");
}

/* Where the sequence begins that the stream is to hold back. */
static const unsigned char *
held_at(const struct session *s)
{
	return s->text + s->sent - oracle_held(s->text, s->sent);
}

static void
compare_held(const struct session *s, size_t kernel)
{
	const struct upcase_stream *u = &s->streams[kernel];
	size_t n = (size_t)(s->text + s->sent - held_at(s));
	if (u->ncarry != n || memcmp(u->carry, held_at(s), n) != 0)
		complain(s, kernel, "it does not hold back what it has to");
}

/* The answer to the text from there to what was sent; none after a refusal. */
static struct answer
wanted(struct session *s, const unsigned char *from, bool ended)
{
	size_t n = (size_t)(s->text + s->sent - from);
	struct answer want = {.bytes = allocate(UPCASE_BOUND(n))};
	if (!s->refused)
		want.n = oracle_answer(want.bytes, from, n,
		    (enum upcase_invalid)s->streams[0].invalid, ended,
		    &s->refused);
	return want;
}

/* Sends the next n bytes to each stream. */
static void
send_piece(struct session *s, size_t n)
{
	const unsigned char *from = held_at(s);
	unsigned char *src = allocate(n);
	if (n > 0)
		memcpy(src, s->text + s->sent, n);
	s->sent += n;
	struct answer want = wanted(s, from, false);
	for (size_t i = 0; i < s->nstreams; i++) {
		struct answer got = {.bytes = allocate(UPCASE_BOUND(n))};
		(void)upcase_choose_kernel(upcase_kernel(i));
		got.n = upcase_stream_update(&s->streams[i], got.bytes, src, n);
		compare(s, i, &want, &got);
		if (!s->refused)
			compare_held(s, i);
		free(got.bytes);
	}
	free(want.bytes);
	free(src);
}

static void
end(struct session *s)
{
	struct answer want = wanted(s, held_at(s), true);
	for (size_t i = 0; i < s->nstreams; i++) {
		struct answer got = {.bytes = allocate(UPCASE_BOUND(0))};
		got.n = upcase_stream_final(&s->streams[i], got.bytes);
		compare(s, i, &want, &got);
		free(got.bytes);
	}
	free(want.bytes);
}

static void
begin(struct session *s, enum upcase_invalid invalid)
{
	while (upcase_kernel(s->nstreams) != NULL)
		upcase_stream_init(&s->streams[s->nstreams++], invalid);
}

static void
put_letters(struct session *s, size_t n)
{
	memset(s->text + s->n, 'x', n);
	s->n += n;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	oracle_load();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t n)
{
	if (n < HOW)
		return 0;
	struct session s = {
	    .text =
		allocate((size_t)input[2] + input[3] + (TIMES_MOST + 1) * n),
	};
	begin(&s, (enum upcase_invalid)(input[0] % POLICIES));
	put_letters(&s, input[2]);
	for (int times = input[1] % (TIMES_MOST + 1); times >= 0; times--) {
		memcpy(s.text + s.n, input + HOW, n - HOW);
		s.n += n - HOW;
	}
	put_letters(&s, input[3]);
	for (size_t call = 0; s.sent < s.n; call++) {
		size_t left = s.n - s.sent, piece = input[4 + call % 2];
		if (input[4] == 0 && input[5] == 0)
			piece = left;
		send_piece(&s, piece < left ? piece : left);
	}
	end(&s);
	free(s.text);
	return 0;
}
