/* SPDX-License-Identifier: ISC */
/*
 * The public calls: a stream with its language, in a state that has no meaning
 * outside, and buffers whose size is checked.  The state is copied in and out,
 * for the compiler may take it that the two types are never the same memory.
 */
#include "config.h"

#include "upcase.h"

#include "upcase/stream.h"
#include "upcase/tailoring.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Bytes that are converted beside the buffer at a time, where they may not fit.
 * Three times as many are on the stack; more gain nothing that can be measured.
 */
enum { PIECE = 256 };

struct state {
	struct upcase_stream stream;
	uint8_t language; /* row of the tailoring */
};

_Static_assert(sizeof(struct upcase) == 32, "part of the binary interface");
_Static_assert(sizeof(struct state) <= sizeof(struct upcase),
    "the public state has no room for ours");

static struct state
load(const struct upcase *u)
{
	struct state state;
	memcpy(&state, u->opaque, sizeof state);
	return state;
}

static void
store(struct upcase *u, const struct state *state)
{
	memcpy(u->opaque, state, sizeof *state);
}

/* The row of a language; -1 if there is none. */
static int
find_language(const char *name)
{
	if (name == NULL || name[0] == '\0')
		return 0;
	const struct upcase_tailoring *row;
	for (size_t i = 0; (row = upcase_tailoring_row(i)) != NULL; i++) {
		if (strcmp(row->name, name) == 0)
			return (int)i;
	}
	return -1;
}

static bool
are_known(const struct upcase_options *options)
{
	static const uint32_t zeros[5];
	_Static_assert(sizeof zeros == sizeof options->reserved,
	    "all that is reserved must be zero");
	return options->invalid <= UPCASE_CLOSE &&
	       memcmp(options->reserved, zeros, sizeof zeros) == 0;
}

int
upcase_init(struct upcase *u, const struct upcase_options *options)
{
	static const struct upcase_options defaults;
	if (options == NULL)
		options = &defaults;
	int language = find_language(options->language);
	if (language == -1 || !are_known(options)) {
		errno = EINVAL;
		return -1;
	}
	struct state state = {.language = (uint8_t)language};
	upcase_stream_init(
	    &state.stream, (enum upcase_invalid)options->invalid);
	*u = (struct upcase){{0}};
	store(u, &state);
	return 0;
}

size_t
upcase_bound(const struct upcase *u, size_t n)
{
	struct state state = load(u);
	const struct upcase_tailoring *row =
	    upcase_tailoring_row(state.language);
	/* A state that upcase_init has not made may have no row. */
	if (row == NULL || n > SIZE_MAX / row->expansion - row->carry)
		return SIZE_MAX;
	return row->expansion * (n + row->carry);
}

/* Converts at most a piece, and copies the answer if there is room for it. */
static size_t
update_beside(struct upcase_stream *stream, unsigned char *dst, size_t room,
    const unsigned char *src, size_t n)
{
	unsigned char beside[UPCASE_BOUND(PIECE)];
	size_t length = upcase_stream_update(stream, beside, src, n);
	if (0 < length && length <= room)
		memcpy(dst, beside, length);
	return length;
}

/*
 * Converts in place as much as fits whatever the text is, again and again, and
 * piece by piece what may not fit.  Returns the length of the whole answer,
 * which was written if it is no more than the room.
 */
static size_t
update_tight(struct upcase_stream *stream, unsigned char *dst, size_t room,
    const unsigned char *src, size_t n)
{
	size_t total = 0;
	while (n > 0) {
		bool fits = room >= UPCASE_BOUND(PIECE);
		size_t piece =
		    fits ? room / UPCASE_EXPANSION - UPCASE_CARRY : PIECE;
		if (piece > n)
			piece = n;
		size_t length =
		    fits ? upcase_stream_update(stream, dst, src, piece)
			 : update_beside(stream, dst, room, src, piece);
		if (length > room) {
			room = 0;
		} else if (length > 0) {
			room -= length;
			dst += length;
		}
		total += length;
		src += piece;
		n -= piece;
	}
	return total;
}

size_t
upcase_update(struct upcase *u, unsigned char *dst, size_t size,
    const unsigned char *src, size_t n)
{
	struct state state = load(u);
	size_t bound = upcase_bound(u, n);
	if (bound == SIZE_MAX)
		return SIZE_MAX;
	size_t length = bound <= size
			    ? upcase_stream_update(&state.stream, dst, src, n)
			    : update_tight(&state.stream, dst, size, src, n);
	if (length <= size)
		store(u, &state);
	return length;
}

size_t
upcase_final(struct upcase *u, unsigned char *dst, size_t size)
{
	struct state state = load(u);
	unsigned char beside[UPCASE_BOUND(0)];
	size_t length = upcase_stream_final(&state.stream, beside);
	if (length > size)
		return length;
	if (length > 0)
		memcpy(dst, beside, length);
	store(u, &state);
	return length;
}

int
upcase_refused(const struct upcase *u)
{
	struct state state = load(u);
	return upcase_stream_refused(&state.stream);
}

const char *
upcase_unicode(void)
{
	return UPCASE_UNICODE;
}
