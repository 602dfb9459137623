/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/verdict.h"

#include "base/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* Room for an address, the text of an error and what is said of them. */
enum { WHAT_MAX = 512 };

/* What went wrong, both sides in numbers, and what to do. */
static void
say_numbers(
    const struct transfer_result *result, const char *what, const char *remedy)
{
	say("%s (%" PRIu64 " bytes in %" PRIu64 " lines sent, %" PRIu64
	    " bytes in %" PRIu64 " lines received); %s",
	    what, result->sent.bytes, result->sent.lines,
	    result->received.bytes, result->received.lines, remedy);
}

/* What to do where the server has moved nothing, or has gone. */
static const char *
remedy_of(const struct transfer_result *result)
{
	if (result->received.bytes == 0)
		return "the server may be full or stopping, its log may say "
		       "so: try again later";
	return "try again, the log of the server may say why";
}

static void
say_broken(const struct transfer_result *result, const char *server)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "the answer was cut short: the connection to %s broke: %s", server,
	    strerror(result->error));
	say_numbers(result, what, remedy_of(result));
}

/* The text was sent to its end, and all came that an answer to it must have. */
static bool
lacks_only_end(const struct transfer_result *result)
{
	return result->has_sent_all &&
	       tally_is_whole(&result->sent, &result->received);
}

/* What is to be said first of an answer without an end. */
static const char *
state_of(const struct transfer_result *result)
{
	return lacks_only_end(result) ? "the answer may not be whole"
				      : "the answer was cut short";
}

static void
say_expired(
    const struct transfer_result *result, const char *server, uint32_t timeout)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "%s: %s%s moved nothing for %g seconds", state_of(result), server,
	    lacks_only_end(result) ? " did not end the connection and" : "",
	    (double)timeout / 1000);
	say_numbers(result, what,
	    result->received.bytes == 0
		? "the server may be full, with others still being served: "
		  "try again later, or wait longer with --timeout"
		: "try again, or wait longer with --timeout");
}

static void
say_overdue(
    const struct transfer_result *result, const char *server, uint32_t timeout)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "%s: %s did not come to its end in %g seconds after the last byte "
	    "was sent",
	    state_of(result), server, (double)timeout / 1000);
	say_numbers(
	    result, what, "try again, or wait longer with --answer-timeout");
}

static void
say_ended(const struct transfer_result *result, const char *server)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "the answer was cut short: %s ended the connection before the end "
	    "of the text",
	    server);
	say_numbers(result, what, remedy_of(result));
}

static void
say_short(const struct transfer_result *result, const char *server)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "the answer was cut short: %s left out a part of it", server);
	say_numbers(result, what, "try again, and see that the text is UTF-8");
}

static void
say_foreign(const struct transfer_result *result, const char *server)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "this is no answer of upcased: %s sent %s", server,
	    result->foreign);
	say_numbers(
	    result, what, "name another server with --server or UPC_SERVER");
}

int
verdict_say(const struct transfer_result *result, const char *server,
    const struct transfer_task *task)
{
	switch (result->outcome) {
	case TRANSFER_WHOLE:
		return EX_OK;
	case TRANSFER_UNREAD:
	case TRANSFER_OUTPUT_FAILED:
		say("cannot write the answer to standard output: %s; try "
		    "again with an output that takes all of it",
		    strerror(result->error));
		break;
	case TRANSFER_SERVER_FAILED:
		say_broken(result, server);
		break;
	case TRANSFER_EXPIRED:
		say_expired(result, server, task->timeout);
		break;
	case TRANSFER_OVERDUE:
		say_overdue(result, server, task->answer_timeout);
		break;
	case TRANSFER_ENDED:
		say_ended(result, server);
		break;
	case TRANSFER_SHORT:
		say_short(result, server);
		break;
	case TRANSFER_FOREIGN:
		say_foreign(result, server);
		break;
	}
	return EX_IOERR;
}
