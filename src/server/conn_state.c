/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/conn_state.h"

#include <assert.h>

/* Short names that keep the table on one screen; X cannot occur. */
enum {
	R = CONN_RECEIVING,
	S = CONN_SENDING,
	F = CONN_FINISHING,
	E = CONN_ENDING,
	L = CONN_LINGERING,
	D = CONN_DELIVERING,
	G = CONN_GREETING,
	C = CONN_CLOSED,
	X = CONN_NSTATES
};

/* clang-format off */
static const unsigned char table[CONN_NSTATES][CONN_NEVENTS] = {
	/*            NOTHING MOVED DATA FLUSHED EOF REFUSED GREETED EXPIRED EVICTED FAILED */
	[CONN_RECEIVING] = { R,    R,    S,    X,     F,    E,      X,      E,      C,     C },
	[CONN_SENDING]   = { S,    S,    X,    R,     X,    X,      X,      C,      C,     C },
	[CONN_FINISHING] = { F,    F,    X,    D,     X,    X,      X,      C,      C,     C },
	[CONN_ENDING]    = { E,    E,    X,    L,     X,    X,      X,      C,      C,     C },
	[CONN_LINGERING] = { L,    L,    X,    X,     D,    X,      X,      D,      C,     C },
	[CONN_DELIVERING] = { D,   D,    X,    C,     X,    X,      X,      C,      C,     C },
	[CONN_GREETING]  = { G,    G,    X,    X,     X,    C,      R,      C,      C,     C },
	[CONN_CLOSED]    = { X,    X,    X,    X,     X,    X,      X,      X,      X,     X },
};
/* clang-format on */

static const char *const state_names[CONN_NSTATES] = {
    [CONN_RECEIVING] = "receiving",
    [CONN_SENDING] = "sending",
    [CONN_FINISHING] = "finishing",
    [CONN_ENDING] = "ending",
    [CONN_LINGERING] = "lingering",
    [CONN_DELIVERING] = "delivering",
    [CONN_GREETING] = "greeting",
    [CONN_CLOSED] = "closed",
};

static const char *const event_names[CONN_NEVENTS] = {
    [CONN_NOTHING] = "nothing",
    [CONN_MOVED] = "moved",
    [CONN_DATA] = "data",
    [CONN_FLUSHED] = "flushed",
    [CONN_EOF] = "eof",
    [CONN_REFUSED] = "refused",
    [CONN_GREETED] = "greeted",
    [CONN_EXPIRED] = "expired",
    [CONN_EVICTED] = "evicted",
    [CONN_FAILED] = "failed",
};

bool
conn_state_allows(enum conn_state state, enum conn_event event)
{
	return table[state][event] != X;
}

enum conn_state
conn_state_next(enum conn_state state, enum conn_event event)
{
	assert(conn_state_allows(state, event));
	return (enum conn_state)table[state][event];
}

const char *
conn_state_name(enum conn_state state)
{
	return state_names[state];
}

const char *
conn_event_name(enum conn_event event)
{
	return event_names[event];
}
