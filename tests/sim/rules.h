/* SPDX-License-Identifier: ISC */
/*
 * The rules: what must be true of a server whatever happens to it.  The hooks
 * of the fake kernel call them at each system call, and the run at each moment
 * when all threads wait.  A rule that is broken ends the program.
 */
#ifndef RULES_H
#define RULES_H

#include "fake/kernel.h"
#include "server/server.h"
#include "sim/peers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rules {
	const struct settings *settings; /* that were set last */
	size_t blocks; /* of pending output, for each worker */

	/* Kept by the run. */
	unsigned stops;      /* how often the server was asked to end */
	uint64_t asked_at;   /* when it first was, in ms */
	uint64_t stopped_at; /* when all threads knew it, in ms; 0: not yet */

	bool is_changing; /* what listens */
	size_t nchanges;  /* how often that was tried */

	/* Kept by the rules. */
	size_t nopen;       /* connections that are accepted and not closed */
	size_t nreset;      /* connections that the server has reset */
	size_t nended;      /* connections that their client has ended */
	size_t nturns;      /* calls that received something */
	size_t nreceived;   /* bytes */
	size_t nsent;       /* bytes */
	uint64_t failed_at; /* the turn of the last failure of a listener */
	bool failed;        /* a listener has failed, and failed_at is valid */
};

extern struct rules rules;

/* Begins the records of a run with these settings. */
void rules_begin(const struct settings *);

/* Prints the sentence and aborts, unless the condition holds. */
void rules_must(bool holds, const struct peer *, const char *sentence);

/* Other settings hold from now on. */
void rules_set(const struct settings *);

/* True if the span is not 0, and has passed when the present turn began. */
bool rules_has_passed(uint64_t since, uint64_t span);

/* For the hooks. */
void rules_accepted(struct peer *);
void rules_adopted(struct peer *);
void rules_touched(const struct peer *);
void rules_sends(struct peer *);
void rules_receives(struct peer *);
void rules_moved(struct peer *, enum kernel_call);
void rules_shut(struct peer *);
void rules_asked(struct peer *);
void rules_reset(const struct peer *);
void rules_closed(struct peer *);
void rules_listener_closed(const struct kernel_socket *);

/* A system call of a listener was made to fail, which pauses it. */
void rules_listener_failed(void);

/* Checks what must be true when all threads wait and nothing is ready. */
void rules_calm(bool server_has_ended);

/* True while the kernel has something to deliver that the server looks at. */
bool rules_deliver(void);

/* Checks the counters of a server that has ended. */
void rules_ended(const size_t totals[static NCOUNTERS]);

#endif
