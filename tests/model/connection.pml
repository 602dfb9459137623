/* SPDX-License-Identifier: ISC */
/*
 * Two connections of one worker, their clients, the buffers of the kernel
 * between them, and the pool; a model for spin(1), run by
 * tests/system/test_model.py.
 *
 * What is modelled.  The connections move by the table of the daemon itself:
 * conn_states.pml is printed from conn_state.c.  What they do in a state is
 * written here after conn_machine.c and conn_step.c, whose lines are quoted; the
 * test finds them in the source in this order.  A system call is a step, and the
 * clients come between any two.
 *
 * A text is units 1 to TEXT, or to OTHER_TEXT; any may be BAD, which stands
 * for bytes that are not UTF-8.  Each unit is answered by itself, but the
 * transform may hold one back until more comes, as it does with half a
 * character.  The kernel takes INSIDE units on their way in and OUTSIDE on
 * their way out, and of a send any part that fits.  A block of the pool holds
 * one unit.  A client sends, reads, half-closes, resets or stops for ever, in
 * any order.  What it has not read, it has not acknowledged.  Deadlines pass at
 * any time.  With DRAIN there is a drain at some time, and all connections are
 * cut then or later; with NO_TIMEOUT too, the kernel does not give up by itself.
 * With HONEST clients half-close after their text, read until the end of file
 * and then close, and nothing is due but looks at what the kernel holds; with
 * SLOW besides, there is the deadline of a connection that is idle.
 *
 * An answer of SMALL units is small.  The stall time is that between STALL looks
 * at what the kernel holds: these come at any time, but time is counted by them.
 *
 * What is left out.  What comes before the text of a proxy's client: here all
 * connections begin in RECEIVING.  What the transform makes of bytes.  Blocks that are sent
 * in part.  That FIN may count for what the kernel holds.  The other times: that
 * a deadline passes only after its span, and is armed anew by progress.  The
 * loop: a connection that is ready or due may be called
 * next.  The causes that are counted.  Failures of the poller and of memory.
 *
 * What is proved, for every order of the steps within these bounds:
 *
 *   answers come in order, each once
 *   an end of file means a whole answer to all that was received, and unless
 *     we ended it for a reason, to all that was sent before the client's own
 *     end of file; anything less is a reset
 *   back-pressure: nothing is received while output is pending
 *   storing in the pool cannot fail, and in the end all blocks are back
 *   the table is never asked for a pair of state and event that it excludes
 *   a connection is closed without a reset only when all was acknowledged, or
 *     the answer is small, or the server drains and the kernel may go on alone
 *   who takes nothing of what the kernel holds keeps its place for the stall
 *     time and one look, and who takes some of it keeps it for that time
 *   an honest client is reset only when its memory is needed for others
 *   a drain leaves nothing to look at, and a cut closes all connections
 *   no deadlock: when everybody waits, all connections are closed; so with
 *     deadlines every client gets an end, and without them an honest one
 *   every_connection_ends, which also excludes that two go round for ever
 *
 * Each BUG_... below plants an error, and the test fails unless spin finds it.
 */
#include "conn_states.pml"

#ifndef TEXT
#define TEXT 2
#endif
#ifndef OTHER_TEXT
#define OTHER_TEXT TEXT
#endif
#ifndef INSIDE
#define INSIDE 2
#endif
#ifndef OUTSIDE
#define OUTSIDE 1
#endif
#ifndef NBLOCKS
#define NBLOCKS 2
#endif
#ifndef SMALL
#define SMALL 1
#endif
#ifndef STALL
#define STALL 2
#endif
#define CARRY   1 /* units that the transform may hold back */
#define BAD     255
#define NONE    0

/* The kernel's buffers, and what it knows of each side. */
chan to_server[2] = [INSIDE] of { byte };
chan to_client[2] = [OUTSIDE] of { byte };
bool client_shut[2], client_reset[2]; /* it has sent FIN, RST */
bool server_shut[2], server_reset[2]; /* we have */

/* Connections. */
byte state[2], held[2];
chan pending[2] = [NBLOCKS] of { byte };
bool refused[2];
byte left[2], since[2]; /* of conn_held; the second one is counted in looks */
bool drains;

/* The pool: its free blocks, and who has output pending, the longest first. */
byte nfree = NBLOCKS;
chan waiting = [2] of { byte };

/* The output buffer of the worker. */
chan output = [INSIDE + CARRY] of { byte };

/* For the assertions: good units received, and answers given to the kernel. */
byte nreceived[2], nsent[2];
bool ended_by_us[2], evicted[2];
byte nlooks[2]; /* since the client last read, and the connection is DELIVERING */

#define SOME(channel) (len(channel) > 0)
#define NO(channel)   (len(channel) == 0)
#define CAN_TAKE(c)   (len(to_client[c]) < OUTSIDE)

#define ALL_CLOSED (state[0] == CLOSED && state[1] == CLOSED)
ltl every_connection_ends { <> ALL_CLOSED }

#define WANTS_INPUT(c) (state[c] == RECEIVING || state[c] == LINGERING)
#define IS_LOOKED_AT(c) (state[c] == DELIVERING)
#define IS_READY(c) (state[c] != CLOSED && !IS_LOOKED_AT(c) && \
	(client_reset[c] || (WANTS_INPUT(c) -> SOME(to_server[c]) || client_shut[c] \
			 : CAN_TAKE(c))))
#ifdef HONEST
#ifdef SLOW
#define IS_DUE(c) (state[c] == RECEIVING || IS_LOOKED_AT(c))
#else
#define IS_DUE(c) IS_LOOKED_AT(c)
#endif
#else
#ifdef BUG_NO_STALL_DEADLINE
#define IS_DUE(c) (WANTS_INPUT(c) || IS_LOOKED_AT(c))
#else
#ifdef BUG_NO_LOOKS
#define IS_DUE(c) (state[c] != CLOSED && !IS_LOOKED_AT(c))
#else
#define IS_DUE(c) (state[c] != CLOSED)
#endif
#endif
#endif

/* How long the server waits for progress, and whether it may wait no longer. */
#if defined(HONEST) || defined(BUG_LOOKS_WITHOUT_END)
#define IS_STALLED(c) false
#else
#define IS_STALLED(c) (since[c] >= STALL)
#endif
#ifdef NO_TIMEOUT
#define MAY_GO_ALONE false
#else
#define MAY_GO_ALONE drains
#endif
#ifdef BUG_ALL_IS_SMALL
#define IS_SMALL(c) true
#else
#define IS_SMALL(c) (nsent[c] <= SMALL)
#endif

inline empty_out(channel)
{
	do
	:: SOME(channel) -> channel?unit
	:: NO(channel) -> break
	od;
	unit = NONE
}

/*
 * [conn_machine.c end]
 *	if (event != CONN_FLUSHED)
 *	(void)sys_set_reset(conn->watch.fd);
 *	if (from != CONN_DELIVERING)
 *	pool_release(&shard->pool, conn->pending);
 */
inline end(c, event)
{
#ifdef BUG_NEVER_RESETS
	server_reset[c] = false;
#else
	server_reset[c] = event != FLUSHED;
#endif
	assert(server_reset[c] || NO(to_client[c]) || client_reset[c] ||
		nsent[c] <= SMALL || MAY_GO_ALONE);
	d_step { left[c] = 0; since[c] = 0; nlooks[c] = 0 };
	if
	:: SOME(pending[c]) ->
		waiting??eval(c);
#ifndef BUG_EVICTED_BLOCKS_STAY
		nfree = nfree + len(pending[c]);
#endif
		empty_out(pending[c])
	:: NO(pending[c])
	fi;
	/* The close: the kernel resets too when input was not read. */
	server_reset[c] = server_reset[c] || SOME(to_server[c]);
	server_shut[c] = true;
	empty_out(to_server[c]);
	/* A reset may overtake what is on its way. */
	if
	:: server_reset[c] -> empty_out(to_client[c])
	:: true
	fi
}

/*
 * [conn_machine.c begin_delivery]
 *	conn->held = (struct conn_held){0};
 * [conn_machine.c send_fin]
 *	(void)sys_shutdown(conn->watch.fd);
 * [conn_machine.c enter]
 *	enum conn_state to = conn_state_next(from, event);
 *	if (to == from) return;
 *	conn->state = (uint8_t)to;
 *	if (behaviours[to].enter != NULL)
 *	behaviours[to].enter(conn, event, from);
 */
inline enter(c, event)
{
	from = state[c];
	assert(NEXT(from, event) != IMPOSSIBLE);
	state[c] = NEXT(from, event);
	ended_by_us[c] = ended_by_us[c] || (state[c] == ENDING &&
		(event == REFUSED || event == EXPIRED));
	if
	:: state[c] == LINGERING && from != LINGERING -> server_shut[c] = true
	:: state[c] == CLOSED && from != CLOSED -> end(c, event)
	:: else
	fi
}

/*
 * [shard.c shard_make_room]
 *	while (pool_is_full(&shard->pool))
 *	shard->evict(find_costliest(shard), COUNTER_EVICTED);
 */
inline make_room()
{
#ifndef BUG_NO_ROOM_MADE
	do
	:: nfree < 1 + CARRY ->
		waiting?<other>;
		evicted[other] = true;
		enter(other, EVICTED)
	:: else -> break
	od;
#endif
	other = 0
}

/* The transform: a unit is answered at once or held back, and BAD ends all. */
inline upcase(c)
{
	if
	:: held[c] != NONE -> output!held[c]; held[c] = NONE
	:: else
	fi;
	refused[c] = refused[c] || unit == BAD;
	if
	:: refused[c]
	:: !refused[c] -> nreceived[c]++; output!unit
	:: !refused[c] -> nreceived[c]++; held[c] = unit
	fi
}

/* The kernel takes some of what it is given, and nothing only when full. */
inline send(c, channel)
{
	taken = false;
	do
	:: SOME(channel) && CAN_TAKE(c) ->
		channel?unit;
#ifdef BUG_RESENDS
		if
		:: !taken && SOME(channel) -> channel!unit
		:: taken || NO(channel)
		fi;
#endif
		to_client[c]!unit;
		nsent[c]++;
		taken = true
	:: taken || NO(channel) || !CAN_TAKE(c) -> break
	od;
	unit = NONE
}

/*
 * [delivery.c delivery_store]
 *	conn->pending = pool_store(&shard->pool, shard->output + taken,
 *	    n - taken, conn, conn->reads, loop_now(shard->loop));
 */
/*
 * [conn_step.c answer]
 *	if (n == 0) return CONN_MOVED;
 *	delivery_note(conn, n);
 *	ssize_t sent = sys_send(conn->watch.fd, shard->output, n);
 *	if (sent == -1 && conn_what_failed() == CONN_FAILED) return CONN_FAILED;
 *	if (taken == n) return CONN_MOVED;
 *	delivery_store(conn, taken, n);
 *	return CONN_DATA;
 */
inline answer(c)
{
	if
	:: NO(output) -> event = MOVED
	:: SOME(output) && client_reset[c] ->
		empty_out(output);
		event = FAILED
	:: SOME(output) && !client_reset[c] ->
		send(c, output);
		if
		:: NO(output) -> event = MOVED
		:: SOME(output) ->
			assert(len(output) <= nfree && NO(pending[c]));
			nfree = nfree - len(output);
			waiting!c;
			do
			:: SOME(output) -> output?unit; pending[c]!unit
			:: NO(output) -> break
			od;
			unit = NONE;
			event = DATA
		fi
	fi
}

/*
 * [conn_step.c conn_finish]
 *	size_t n = upcase_stream_final(&conn->upcase, conn->shard->output);
 *	return answer(conn, n);
 */
inline finish_input(c)
{
#ifndef BUG_HELD_IS_FORGOTTEN
	if
	:: held[c] != NONE -> output!held[c]; held[c] = NONE
	:: else
	fi;
#endif
	answer(c)
}

/*
 * [conn_step.c conn_receive]
 *	if (pool_is_full(&shard->pool))
 *	shard_make_room(shard);
 *	ssize_t got = sys_recv(conn->watch.fd, shard->input,
 *	    shard_room(shard));
 *	if (got == -1) return conn_what_failed();
 *	if (got == 0)
 *	return conn_finish(conn) == CONN_FAILED ? CONN_FAILED : CONN_EOF;
 *	size_t n = upcase_stream_update( &conn->upcase, shard->output, shard->input,
 *	    (size_t)got);
 *	enum conn_event event = answer(conn, n);
 *	if (event != CONN_FAILED && upcase_stream_refused(&conn->upcase)) return
 *	    CONN_REFUSED;
 *	return event;
 */
inline receive(c)
{
	atomic {
		make_room();
		assert(NO(pending[c]));
		if
		:: client_reset[c] -> event = FAILED
		:: !client_reset[c] && SOME(to_server[c]) ->
			room = nfree - CARRY;
			do
			:: SOME(to_server[c]) && room > 0 ->
				to_server[c]?unit;
				upcase(c);
				room--
			:: NO(to_server[c]) || room < nfree - CARRY -> break
			od;
			unit = NONE;
			room = 0;
			event = DATA
		:: !client_reset[c] && NO(to_server[c]) ->
			event = (client_shut[c] -> EOF : NOTHING)
		fi
	};
	if
	:: event == DATA ->
		atomic {
			answer(c);
			if
			:: event != FAILED && refused[c] -> event = REFUSED
			:: else
			fi
		}
	:: event == EOF ->
		atomic {
			finish_input(c);
			if :: event != FAILED -> event = EOF :: else fi
		}
	:: else
	fi
}

/*
 * [conn_step.c conn_send_pending]
 *	while (conn->pending != NULL) {
 *	ssize_t sent = sys_sendv(conn->watch.fd, pieces, n);
 *	if (sent == -1)
 *	    return conn_what_failed() == CONN_FAILED ? CONN_FAILED : event;
 *	conn->pending = pool_drop(&shard->pool, conn->pending, (size_t)sent,
 *	    loop_now(shard->loop));
 *	event = CONN_MOVED;
 *	return sys_set_partial(conn->watch.fd, false) == -1 ? CONN_FAILED
 *	    : CONN_FLUSHED;
 */
inline send_pending(c)
{
	if
	:: NO(pending[c]) -> event = FLUSHED
	:: SOME(pending[c]) && client_reset[c] -> event = FAILED
	:: SOME(pending[c]) && !client_reset[c] ->
		room = len(pending[c]);
		send(c, pending[c]);
		nfree = nfree + room - len(pending[c]);
		room = 0;
		if
		:: NO(pending[c]) -> waiting??eval(c); event = FLUSHED
		:: SOME(pending[c]) -> event = (taken -> MOVED : NOTHING)
		fi
	fi
}

/*
 * [conn_step.c conn_discard]
 *	ssize_t got = sys_recv(conn->watch.fd, shard->input, SHARD_INPUT);
 *	return got == 0 ? CONN_EOF : CONN_MOVED;
 */
inline discard(c)
{
	assert(NO(pending[c]));
	if
	:: client_reset[c] -> event = FAILED
	:: !client_reset[c] && SOME(to_server[c]) ->
		empty_out(to_server[c]);
		event = MOVED
	:: !client_reset[c] && NO(to_server[c]) ->
		event = (client_shut[c] -> EOF : NOTHING)
	fi
}

/*
 * Here each byte is progress, as 4096 are there.
 *
 * [delivery.c delivery_look]
 *	if (conn->answered <= DELIVERY_SMALL)
 *	return CONN_FLUSHED;
 *	if (shard->draining && (stall_ms == 0 || sys_gives_up(fd)))
 *	return sys_check_connection(fd) == -1 ? CONN_FAILED : CONN_FLUSHED;
 *	bool is_first = held->left == 0;
 *	size_t left = sys_unacknowledged(fd);
 *	if (left == 0 && is_first)
 *	return CONN_FLUSHED;
 *	if (is_first) {
 *	(void)sys_shutdown(fd);
 *	left = sys_unacknowledged(fd);
 *	bool moves = left + PROGRESS <= held->left;
 *	if ((!moves || left == 0) && sys_check_connection(fd) == -1)
 *	return CONN_FAILED;
 *	if (left == 0)
 *	return CONN_FLUSHED;
 *	if (moves || is_first) {
 *	held->left = (uint32_t)left;
 *	held->since = now % CONN_TIME;
 *	} else if (stall_ms != 0 &&
 *	    (now - held->since) % CONN_TIME >= stall_ms) {
 *	return CONN_EXPIRED;
 *	return CONN_MOVED;
 */
/* Nobody asks for more. */
#define COUNT_LOOK(n) n[c] = (n[c] <= STALL -> n[c] + 1 : n[c])
/* One that is gone keeps what it had not read. */
inline deliver(c)
{
	atomic {
		event = (IS_SMALL(c) || MAY_GO_ALONE -> FLUSHED : NOTHING);
		if
		:: event == FLUSHED && !IS_SMALL(c) && client_reset[c] ->
			event = FAILED
		:: else
		fi;
		if
		:: event == NOTHING && left[c] == 0 && SOME(to_client[c]) ->
			server_shut[c] = true
		:: else
		fi
	};
	atomic {
		if
		:: event == FLUSHED || event == FAILED
		:: event == NOTHING && NO(to_client[c]) -> event = FLUSHED
		:: event == NOTHING && SOME(to_client[c]) && client_reset[c] ->
			event = FAILED
		:: event == NOTHING && SOME(to_client[c]) && !client_reset[c] ->
			COUNT_LOOK(since);
			COUNT_LOOK(nlooks);
			if
			:: left[c] == 0 ->
				left[c] = len(to_client[c]);
				since[c] = 0;
				nlooks[c] = 0
			:: left[c] != 0 && len(to_client[c]) < left[c] ->
				left[c] = len(to_client[c]);
#ifndef BUG_PROGRESS_DOES_NOT_COUNT
				since[c] = 0
#endif
			:: else
			fi;
			event = (IS_STALLED(c) -> EXPIRED : MOVED);
#ifndef HONEST
			assert(event == MOVED -> nlooks[c] <= STALL
					      : nlooks[c] >= STALL)
#endif
		fi
	}
}

inline step(c)
{
	if
	:: state[c] == DELIVERING -> deliver(c)
	:: state[c] == RECEIVING -> receive(c)
	:: state[c] == LINGERING -> atomic { discard(c) }
#ifdef BUG_RECEIVES_WHILE_SENDING
	:: state[c] == SENDING -> receive(c)
#endif
	:: else -> atomic { send_pending(c) }
	fi
}

/*
 * [conn_machine.c be_ready]
 *	enum conn_event event = behaviour->step(conn);
 *	if (event == CONN_MOVED && behaviour->rearms)
 *	advance(conn, event);
 */
/*
 * [conn_machine.c advance]
 *	enter(conn, event, cause_of(conn, event));
 *	while (conn->state != before &&
 *	    (behaviours[conn->state].begins || event == CONN_GREETED)) {
 *	before = conn->state;
 *	event = behaviours[before].step(conn);
 *	enter(conn, event, cause_of(conn, event));
 */
inline advance(c)
{
	atomic { enter(c, event) };
	do
	:: state[c] != from && (state[c] == FINISHING || state[c] == ENDING) ->
		atomic { send_pending(c); enter(c, event) }
	:: state[c] != from && state[c] == DELIVERING ->
		deliver(c);
		atomic { enter(c, event) }
	:: else -> break
	od;
	event = NOTHING
}

/*
 * [conn_machine.c expire]
 *	enum conn_event event = behaviour->step(conn);
 *	if (event == CONN_NOTHING ||
 *	    (event == CONN_MOVED && !behaviour->rearms))
 *	event = behaviour->late == NULL ? CONN_EXPIRED
 *	    : behaviour->late(conn);
 *	advance(conn, event);
 * [conn_machine.c give_up]
 *	return conn_finish(conn) == CONN_FAILED ? CONN_FAILED : CONN_EXPIRED;
 */
inline expire(c)
{
	if
	:: event == NOTHING || (event == MOVED && state[c] == LINGERING) ->
		event = EXPIRED
	:: else
	fi;
	if
	:: event == EXPIRED && state[c] == RECEIVING ->
		atomic {
			finish_input(c);
			if :: event != FAILED -> event = EXPIRED :: else fi
		}
	:: else
	fi
}

/*
 * [service_text.c drain]
 *	shard_drain(shard);
 *	if (conn->state != CONN_DELIVERING)
 *	conn_expired(&conn->timer);
 */
inline conns_drain()
{
	drains = true;
#ifndef BUG_DRAIN_LEAVES_THEM
	c = 0;
	do
	:: c < 2 && IS_LOOKED_AT(c) -> deliver(c); advance(c); c++
	:: c < 2 && !IS_LOOKED_AT(c) -> c++
	:: c == 2 -> break
	od;
#endif
	assert(!MAY_GO_ALONE || !(IS_LOOKED_AT(0) || IS_LOOKED_AT(1)))
}

/*
 * [service_text.c cut]
 *	if (shard->slots[i].state != CONN_CLOSED)
 *	conn_evict(&shard->slots[i], COUNTER_CUT);
 */
inline conns_cut()
{
	c = 0;
	do
	:: atomic { c < 2 && state[c] != CLOSED -> enter(c, EVICTED); c++ }
	:: c < 2 && state[c] == CLOSED -> c++
	:: c == 2 -> break
	od;
	assert(ALL_CLOSED)
}

active proctype worker()
{
	byte event, from, unit, room, other, c;
	bool taken, is_due;
#ifdef DRAIN
	bool was_cut;
#endif
#ifdef BUG_FINISHED_CLOSES
	NEXT(FINISHING, FLUSHED) = CLOSED;
#endif
#ifdef BUG_DATA_KEEPS_RECEIVING
	NEXT(RECEIVING, DATA) = RECEIVING;
#endif
#ifdef BUG_EOF_CLOSES
	NEXT(RECEIVING, EOF) = CLOSED;
#endif
#ifdef BUG_FLUSHED_KEEPS_SENDING
	NEXT(SENDING, FLUSHED) = SENDING;
#endif
	do
	:: ALL_CLOSED -> break
	:: !ALL_CLOSED ->
		/* Who is called next: one that is ready, or one that is due. */
		atomic {
			if
			:: IS_READY(0) -> c = 0
			:: IS_READY(1) -> c = 1
			:: IS_DUE(0) -> c = 0; is_due = true
			:: IS_DUE(1) -> c = 1; is_due = true
			fi
		};
		step(c);
		if :: is_due -> expire(c) :: else fi;
		is_due = false;
		advance(c);
#ifdef DRAIN
		if
		:: !drains -> conns_drain()
		:: drains && !was_cut -> was_cut = true; conns_cut()
		:: true
		fi;
#endif
		c = 0;
		from = 0
	od
}

proctype client(byte c, text)
{
	byte nwritten, nread, unit;
	do
	:: atomic { nwritten < text && !client_shut[c] && !server_reset[c] &&
			len(to_server[c]) < INSIDE ->
		nwritten++;
		if
		:: state[c] == CLOSED -> server_reset[c] = true
		:: state[c] != CLOSED -> to_server[c]!nwritten
		:: state[c] != CLOSED -> to_server[c]!BAD
		fi }
	:: atomic { SOME(to_client[c]) ->
		to_client[c]?unit;
		nread++;
		nlooks[c] = 0;
		assert(unit == nread);
		unit = NONE }
	:: atomic { server_reset[c] ->
#ifdef HONEST
		assert(evicted[c]);
#endif
		break }
	:: atomic { server_shut[c] && !server_reset[c] &&
			NO(to_client[c]) ->
		assert(nread == nreceived[c] && nread == nsent[c]);
		assert(ended_by_us[c] || (client_shut[c] && nread == nwritten));
		client_shut[c] = true;
		break }
#ifdef HONEST
	:: atomic { nwritten == text && !client_shut[c] ->
		client_shut[c] = true }
#else
	:: atomic { !client_shut[c] -> client_shut[c] = true }
	:: atomic { client_reset[c] = true;
		empty_out(to_server[c]);
		break }
	:: break
#endif
	od
}

init {
	atomic {
		run client(0, TEXT);
		run client(1, OTHER_TEXT)
	}
	/* When everybody waits, all is over. */
	timeout;
	assert(ALL_CLOSED && nfree == NBLOCKS && NO(waiting))
}
