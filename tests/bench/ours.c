/* SPDX-License-Identifier: ISC */
/* The kernels of the transform, and memcpy as the limit of what is possible. */
#include "config.h"

#include "bench/contender.h"
#include "upcase/dispatch.h"
#include "upcase/stream.h"

#include <err.h>
#include <string.h>
#include <sysexits.h>

_Static_assert(ROOM(0) >= UPCASE_BOUND(0) && ROOM(1) >= UPCASE_BOUND(1) &&
		   ROOM(1) - ROOM(0) >= UPCASE_EXPANSION,
    "the room for an answer is too small");

/* The most kernels that one processor can run. */
enum { KERNELS_MAX = 4 };

static bool
choose(const struct contender *contender, struct text *text)
{
	(void)text;
	if (upcase_choose_kernel(contender->name) != 0)
		err(EX_SOFTWARE, "%s", contender->name);
	return true;
}

static size_t
convert(struct answer *answer, const struct piece *piece)
{
	struct upcase_stream u;
	upcase_stream_init(&u, UPCASE_PASS);
	size_t n =
	    upcase_stream_update(&u, answer->room, piece->bytes, piece->n);
	n += upcase_stream_final(&u, (unsigned char *)answer->room + n);
	answer->bytes = answer->room;
	return n;
}

static size_t
copy(struct answer *answer, const struct piece *piece)
{
	memcpy(answer->room, piece->bytes, piece->n);
	answer->bytes = answer->room;
	return piece->n;
}

const struct contender *
contenders(void)
{
	static struct contender all[KERNELS_MAX + 2];
	size_t n = 0;
	const char *kernel;
	while (n < KERNELS_MAX && (kernel = upcase_kernel(n)) != NULL)
		all[n++] = (struct contender){
		    .name = kernel,
		    .counted = "upcased, Unicode " UPCASE_UNICODE
			       ": UTF-8 to UTF-8, which it checks",
		    .begin = choose,
		    .convert = convert,
		};
	all[n] = (struct contender){
	    .name = "memcpy",
	    .counted = "copies the bytes and nothing more",
	    .convert = copy,
	};
	return all;
}
