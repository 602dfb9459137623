#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Errors planted in the server, each of which the simulation must find.

One error at a time is put into one source file, which is compiled and linked
before the libraries, so that it takes the place of the right one; then the
known runs of the simulation are made until one fails.  An error that is not
found is a rule that is missing.

make names the compiler and the rest in the environment: see check-mutations in
Makefile.am.  Arguments pick errors by a part of their names.
"""

import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import tempfile

SOURCE = os.environ["srcdir"]
COMPILE = shlex.split(os.environ["COMPILE"])
LINK = shlex.split(os.environ["LINK"])
OBJECTS = shlex.split(os.environ["OBJECTS"])

# As many as the simulation makes when it is run as a test.
RUNS = 15000

# Seconds, after which runs that do not end count as failed.
PATIENCE = 60

# The name of each error, where it is, what stands there, and what then does.
# The first is none: without an error no run fails.
MUTATIONS = [
    ("no error", "server/conn_step.c",
     "/* What a call that returned -1 means. */", ""),
    ("the offset of a partial send is not advanced", "server/pool.c",
     "block->start += (unsigned)n;", ";"),
    ("the rest after a short first send is stored from its beginning",
     "server/delivery.c",
     "shard->output + taken, n - taken",
     "shard->output, n"),
    ("a block is sent again after the last byte was taken",
     "server/conn_step.c",
     "conn->pending = pool_drop(&shard->pool, conn->pending, (size_t)sent, "
     "loop_now(shard->loop));",
     "(void)pool_drop(&shard->pool, conn->pending, (size_t)sent, 0);"),
    ("all pieces of pending output begin where their blocks do",
     "server/pool.c", "piece->iov_base = block->bytes + block->start;",
     "piece->iov_base = block->bytes;"),
    ("a send that ends in the second block counts the first one twice",
     "server/pool.c", "n -= left;", ";"),
    ("a deadline that is due just now is not served", "reactor/loop.c",
     "if (due <= loop->now)", "if (due < loop->now)"),
    ("an event reaches a watch that wants nothing any more", "reactor/loop.c",
     "if (watch->wants != POLLER_NOTHING)", ""),
    ("a worker does not wake the thread that waits for an end",
     "server/worker.c", "atomic_exchange(&worker->wake->wanted, false)) "
     "bell_ring(&worker->wake->bell);",
     "atomic_exchange(&worker->wake->wanted, false)) ;"),
    ("the wish to be woken is forgotten", "server/server.c",
     "atomic_store(&server->wake.wanted, true);", ";"),
    ("listeners are not resumed when connections end", "server/server.c",
     "listeners_resume(&server->listeners);", ";"),
    ("listeners are not resumed after a failure", "server/listener.c",
     "listeners->waits = false;", ";"),
    ("the retry after a failure is not armed", "server/listener.c",
     "timer_arm( &listeners->retries, &listeners->retry, "
     "loop_now(listeners->loop));", ""),
    ("a full server goes on accepting", "server/listener.c",
     "if (!may_accept(listeners)) "
     "{ wait_for_end(listeners); return; }", ""),
    ("one connection too many is accepted", "server/server.c",
     "server->limits.connections - 1", "server->limits.connections"),
    ("an incomplete character is dropped", "upcase/stream.c",
     "u->ncarry = (size_t)(c->end - c->src) % SEQUENCE;", "u->ncarry = 0;"),
    ("the rest of an incomplete character is dropped", "upcase/stream.c",
     "u->ncarry = (held + more) % SEQUENCE;", "u->ncarry = held % SEQUENCE;"),
    ("the tail is not answered at the end", "server/conn_step.c",
     "size_t n = upcase_stream_final(&conn->upcase, conn->shard->output);",
     "size_t n = 0;"),
    ("a connection that is idle loses its tail", "server/conn_machine.c",
     "return conn_finish(conn) == CONN_FAILED ? CONN_FAILED : CONN_EXPIRED;",
     "return CONN_EXPIRED;"),
    ("the blocks of a reset connection are not given back",
     "server/conn_machine.c",
     "pool_release(&shard->pool, conn->pending);", ";"),
    ("a block that was sent is not given back", "server/pool.c",
     "give_block(pool, block); return next;", "return next;"),
    ("a block is given back twice", "server/pool.c",
     "pool->nfree--;", "pool->nfree -= pool->nused == 0;"),
    ("progress does not re-arm the deadline", "server/conn_machine.c",
     "arm(conn, behaviour->deadline); else", "; else"),
    ("a new state does not re-arm the deadline", "server/conn_machine.c",
     "settle(conn, conn->state != from || goes_on);", "settle(conn, goes_on);"),
    ("lingering is prolonged by what the peer sends", "server/conn_machine.c",
     ".enter = send_fin, .is_decided = true,",
     ".enter = send_fin, .is_decided = true, .rearms = true,"),
    ("deadlines are not served", "reactor/loop.c",
     "timers_expire(&loop->timers, loop->now, EXPIRED_A_TURN);", ";"),
    ("arming a timer does not bring the next deadline forward",
     "reactor/timer.c", "timer->due < queue->all->soonest", "0"),
    ("the next deadline is not looked for when one has come",
     "reactor/timer.c", "timers->soonest = soonest;", "(void)soonest;"),
    ("the next deadline is that of the last queue", "reactor/timer.c",
     "if (due < soonest) soonest = due;", "soonest = due;"),
    ("a wait is too long by one", "reactor/loop.c",
     "(int)(due - now);", "(int)(due - now) + 1;"),
    ("a timer that is armed again keeps its old place", "reactor/timer.c",
     "list_append(&queue->armed, &timer->link);",
     "list_append(queue->armed.next, &timer->link);"),
    ("the timer of a closed connection stays armed", "server/shard.c",
     "timer_disarm(&conn->timer); kernel_buffers_release",
     "kernel_buffers_release"),
    ("a drain leaves deadlines as they were", "reactor/timer.c",
     "set_due(queue, OWNER_OF(link, struct timer, link), now);", ";"),
    ("the count of a connection is not given back", "server/worker.c",
     "atomic_fetch_add(&worker->ngone, n);", ";"),
    ("one of two that end in a turn is not counted", "server/worker.c",
     "atomic_fetch_add(&worker->ngone, n);",
     "atomic_fetch_add(&worker->ngone, 1);"),
    ("a slot is used by two connections", "server/shard.c",
     "return &shard->slots[shard->nfresh++];",
     "return &shard->slots[shard->nfresh == 2 ? 1 : shard->nfresh++];"),
    ("a socket is closed inside the turn", "server/shard.c",
     "list_append(&shard->closed, &conn->timer.link);",
     "list_append(&shard->closed, &conn->timer.link);\n"
     "\t(void)shard_release(shard);"),
    ("an ended connection is not closed", "server/shard.c",
     "(void)sys_close(conn->watch.fd);", ";"),
    ("what was handed over last is taken by nobody", "server/worker.c",
     "while (handover_take(&worker->handover, &handoff))",
     "if (handover_take(&worker->handover, &handoff))"),
    ("what is handed over while the bell rings is not heard", "reactor/bell.c",
     "(void)atomic_exchange(&bell->rung, false); bell->heard(bell);",
     "bell->heard(bell); (void)sys_now();"),
    ("a worker is not told of the drain", "server/worker.c",
     "atomic_store(&worker->drain, true);", ";"),
    ("a worker is not told of the cut", "server/worker.c",
     "atomic_store(&worker->cut, true);", ";"),
    ("a worker is not told to stop", "server/worker.c",
     "atomic_store(&worker->stop, true);", ";"),
    ("the end of a drain is not armed", "server/server.c",
     "timer_arm(&server->drains, &server->drain, now);", ";"),
    ("a second signal does nothing", "server/server.c",
     "server->wanted == SERVING ? DRAINING : CUTTING;", "DRAINING;"),
    ("the queue of a listener is dropped at a stop", "server/listener.c",
     "accept_rest(listener);", ""),
    ("a stop ends what is still served", "server/service_text.c",
     "shard_drain(shard);", "shard_drain(shard); service_text.cut(shard);"),
    ("a full kernel is taken for a failure", "server/conn_step.c",
     "if (errno == EAGAIN || errno == EWOULDBLOCK)", "if (0)"),
    ("a failure is taken for a full kernel", "server/conn_step.c",
     "return CONN_NOTHING; return CONN_FAILED;",
     "return CONN_NOTHING;\n\treturn CONN_NOTHING;"),
    ("input is read while output is pending", "server/conn_machine.c",
     "[CONN_SENDING] = { .step = conn_send_pending, .rearms = true, "
     ".wants = POLLER_OUTPUT,",
     "[CONN_SENDING] = { .step = conn_receive, .rearms = true, "
     ".wants = POLLER_INPUT,"),
    ("a refusal is not noticed", "server/conn_step.c",
     "event != CONN_FAILED && upcase_stream_refused(&conn->upcase)", "0"),
    ("an ended connection is closed at once", "server/conn_state.c",
     "[CONN_ENDING] = { E, E, X, L,", "[CONN_ENDING] = { E, E, X, C,"),
    ("the end of the input is that of the answer", "server/conn_state.c",
     "[CONN_RECEIVING] = { R, R, S, X, F,",
     "[CONN_RECEIVING] = { R, R, S, X, C,"),
    ("a stalled connection is closed as if its answer were whole",
     "server/conn_machine.c", "if (event != CONN_FLUSHED)", "if (0)"),
    ("what the kernel holds of an ended connection is not waited for",
     "server/conn_state.c", "[CONN_FINISHING] = { F, F, X, D,",
     "[CONN_FINISHING] = { F, F, X, C,"),
    ("what the kernel holds of one that lingered is not waited for",
     "server/conn_state.c", "X, X, D, X, D, C, C },", "X, X, C, X, C, C, C },"),
    ("FIN waits until the answer has arrived", "server/delivery.c",
     "(void)sys_shutdown(fd);",
     ";"),
    ("what the kernel holds is looked at once", "server/conn_machine.c",
     "if (deadline == SHARD_LOOK) deadline += conn->held.nlooks;",
     "if (deadline == SHARD_LOOK) { timer_disarm(&conn->timer); return; }"),
    ("a peer that takes nothing is waited for without end",
     "server/delivery.c",
     "return CONN_EXPIRED; } return CONN_MOVED;",
     "} return CONN_MOVED;"),
    ("a peer that takes some of its answer has no longer for the rest",
     "server/delivery.c",
     "held->since = now % CONN_TIME;",
     "if (is_first) held->since = now % CONN_TIME;"),
    ("a peer that is gone is still waited for", "server/delivery.c",
     "return CONN_FAILED; if (left == 0)",
     "return CONN_MOVED;\n\tif (left == 0)"),
    ("a peer that is gone has got all", "server/delivery.c",
     "return CONN_FAILED; if (left == 0)",
     "return CONN_FLUSHED;\n\tif (left == 0)"),
    ("only the last answer counts for its size", "server/delivery.c",
     "size_t sum = conn->answered;",
     "size_t sum = conn->answered <= DELIVERY_SMALL ? 0 : conn->answered;"),
    ("a large answer is small again", "server/delivery.c",
     ": DELIVERY_SMALL + 1 + n / 1024;",
     ": 0;"),
    ("a drain leaves what the kernel has to deliver",
     "server/service_text.c",
     "timer_disarm(&conn->timer); conn_expired(&conn->timer);", ";"),
    ("a drain waits for what the kernel has to deliver", "server/delivery.c",
     "(shard->draining && (stall_ms == 0 || sys_gives_up(fd)))",
     "0"),
    ("one that has only to be delivered has blocks", "server/conn_machine.c",
     "if (from != CONN_DELIVERING)", ""),
    ("a listener stays ready when its turn is over", "server/listener.c",
     "listener->nfull++; listeners->nready--;", "listener->nfull++;"),
    ("a listener stays ready when its queue is empty", "server/listener.c",
     "listener->nfull = 0; listeners->nready--;", "listener->nfull = 0;"),
    ("a listener that pauses stays ready", "server/listener.c",
     "listeners->nready = 0; struct list *all", "struct list *all"),
    ("one that could not be served is not counted before a resume",
     "server/server.c",
     "if (listeners_accept(&server->listeners)) release(server);",
     "(void)listeners_accept(&server->listeners);"),
    ("listeners resume before they accept", "server/server.c",
     "if (listeners_accept(&server->listeners)) release(server); "
     "listeners_resume(&server->listeners);",
     "listeners_resume(&server->listeners); "
     "if (listeners_accept(&server->listeners)) release(server);"),
    ("a part of an answer is not marked as such", "server/delivery.c",
     "(void)sys_set_partial(conn->watch.fd, true);",
     ""),
    ("a whole answer stays marked as a part", "server/conn_step.c",
     "return sys_set_partial(conn->watch.fd, false) == -1 ? CONN_FAILED "
     ": CONN_FLUSHED;", "return CONN_FLUSHED;"),
    ("FIN is not sent", "server/conn_machine.c",
     "(void)sys_shutdown(conn->watch.fd);", ";"),
    ("why a connection ends that lingers is what ends that",
     "server/conn_machine.c", "if (behaviour->is_decided)", "if (0)"),
    ("the deadlines of a drain are those of before", "server/shard.c",
     "shard->draining = true; set_spans(shard);", "shard->draining = true;"),
    ("more is received than the pool can hold", "server/shard.c",
     "/ UPCASE_EXPANSION - UPCASE_CARRY", ""),
    ("nobody is evicted", "server/shard.c",
     "while (pool_is_full(&shard->pool))", "while (false)"),
    ("who costs least is evicted", "server/pool.c",
     "if (cost > *most)",
     "if (*most == 0 || cost < *most)"),
    ("how long an output waits adds nothing to its cost", "server/pool.c",
     "uint64_t cost = age * block->nblocks;",
     "uint64_t cost = block->nblocks;"),
    ("progress does not make an output cheaper", "server/pool.c",
     "block->moved = now; list_remove", "list_remove"),
    ("a block in use is given back to the system", "server/pool.c",
     "block_at(pool, pool->used[pool->ncold++]), POOL_BLOCK);",
     "block_at(pool, pool->used[pool->ncold++] + 1), POOL_BLOCK);"),
    ("a block that was taken counts as not needed", "server/pool.c",
     "pool->nunneeded = least(pool->nunneeded, pool->nused);", ""),
    ("connections are evicted while there is room", "server/conn_step.c",
     "if (pool_is_full(&shard->pool)) shard_make_room(shard);",
     "if (pool_costliest(&shard->pool, 0) != NULL && shard->pool.nfree < 2) "
     "shard->evict(pool_costliest(&shard->pool, 0), COUNTER_EVICTED);"),
    ("a connection that cannot be watched is left", "server/service_text.c",
     "conn->state = CONN_CLOSED; shard_retire(shard, conn);",
     "conn->state = CONN_CLOSED;"),
    ("a change of interest that fails is not noticed", "server/conn_machine.c",
     "enter(conn, event, cause_of(conn, event)); } /*", "(void)event; } /*"),
    ("the cause of an end is not counted", "server/conn_machine.c",
     "counters_add(shard->counters, (enum counter)conn->cause, 1);", ";"),
]


def plant(old, new, text):
    """The text with the error; any white space in old matches any other."""
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    planted, n = re.subn(pattern, lambda _: new, text)
    if n != 1:
        raise ValueError(f"{old!r} stands {n} times in the source")
    return planted


def build(folder, file, old, new):
    """Makes a simulation of the server with the error, and names it."""
    with open(f"{SOURCE}/src/{file}", encoding="utf-8") as source:
        text = plant(old, new, source.read())
    mutant, planted = f"{folder}/mutant.c", f"{folder}/mutant.o"
    program = f"{folder}/simulate"
    with open(mutant, "w", encoding="utf-8") as source:
        source.write(text)
    # What is left without a use is no error here.  Headers in the folder stand
    # before those of src.
    subprocess.run([*COMPILE, "-w", "-iquote", folder, "-c", "-o", planted,
                    mutant], check=True)
    # Before the libraries, of which its namesake is then not needed.
    subprocess.run([*LINK, "-o", program, planted, *OBJECTS], check=True)
    return program


def run(program):
    """The seed of the first run that fails; None if all of them pass."""
    try:
        done = subprocess.run(
            [program, "1", str(RUNS)], timeout=PATIENCE, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, errors="replace")
    except subprocess.TimeoutExpired:
        return "which does not end"
    if done.returncode == 0:
        return None
    return re.search(r"Run (\d+) failed", done.stdout).group(1)


def verdict(mutation):
    """Whether the error is found, and a sentence."""
    name, file, old, new = mutation
    with tempfile.TemporaryDirectory() as folder:
        try:
            seed = run(build(folder, file, old, new))
        except (ValueError, subprocess.CalledProcessError) as error:
            return False, f"{name}: {error}"
    outcome = f"found in run {seed}" if seed else f"no run of {RUNS} fails"
    return (seed is None) == (mutation == MUTATIONS[0]), f"{name}: {outcome}"


def main():
    picked = [mutation for mutation in MUTATIONS
              if all(part in mutation[0] for part in sys.argv[1:])]
    print(f"1..{len(picked)}", flush=True)
    found = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for i, (good, text) in enumerate(pool.map(verdict, picked), 1):
            found += good
            print(f"{'ok' if good else 'not ok'} {i} - {text}", flush=True)
    print(f"# {found} of {len(picked)} verdicts are right")
    return 0 if found == len(picked) else 1


if __name__ == "__main__":
    sys.exit(main())
