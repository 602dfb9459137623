/* SPDX-License-Identifier: ISC */
/*
 * The exchange with the server: sends the text and prints the answer, both at
 * once and with bounded buffers, so that no size of the text can stop both
 * ends.  It waits with poll(2), which takes files and terminals, and leaves
 * the flags of standard input and output as they are: other programs may
 * share them.
 *
 * It ends as soon as nobody reads the output any more, though nothing may be
 * there to write, and as soon as what comes cannot be an answer.
 *
 * In a dialogue a prompt comes before each line, and the next line is read
 * when the answer to the last one has been printed.  Since upper case keeps
 * line ends, an answer has come when as many line ends came as were sent.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "client/input.h"
#include "client/progress.h"
#include "client/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transfer_task {
	int server;          /* a connected, non-blocking socket */
	const char *text;    /* what to send first; the caller's */
	size_t length;       /* of the text */
	struct input *input; /* what to send after it, started */
	int output;          /* where the answer goes */
	bool is_dialogue;    /* input and output are one user's terminal */
	bool is_shown;       /* what a terminal would obey is made visible */
	bool tells_invalid;  /* says once that the text is not UTF-8 */
	uint32_t timeout; /* ms to wait for the server to move; 0: no limit */
	/* The same for the end of the answer to all that was sent. */
	uint32_t answer_timeout;
	struct progress *progress;
};

enum transfer_outcome {
	TRANSFER_WHOLE,
	TRANSFER_OUTPUT_FAILED,
	TRANSFER_UNREAD,        /* nobody reads the output any more */
	TRANSFER_SERVER_FAILED, /* the connection broke */
	TRANSFER_EXPIRED,       /* the server moved nothing for the timeout */
	TRANSFER_OVERDUE,       /* it moved, but did not come to an end */
	TRANSFER_ENDED,         /* by the server, before the end of the text */
	TRANSFER_SHORT,         /* a clean end, but a part is missing */
	TRANSFER_FOREIGN        /* no answer of upcased: see answer.h */
};

struct transfer_result {
	enum transfer_outcome outcome;
	int error;           /* the errno of those that failed */
	const char *foreign; /* what the server sent, as of answer_judge */
	bool has_sent_all;   /* to the end of the input */
	struct tally sent, received;
};

/*
 * When this returns, everything that came has been printed, if it could be, but
 * for bytes that showed the answer to be foreign, and those that came with
 * them.  Of a transfer that fails, what is_shown keeps is not printed either:
 * the beginning of a character.
 */
void transfer_run(const struct transfer_task *, struct transfer_result *);

#endif
