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

static void
say_broken(const struct transfer_result *result, const char *server)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "the answer was cut short: the connection to %s broke: %s", server,
	    strerror(result->error));
	say_numbers(
	    result, what, "try again, the log of the server may say why");
}

static void
say_expired(
    const struct transfer_result *result, const char *server, uint32_t timeout)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "the answer was cut short: %s moved nothing for %g seconds", server,
	    (double)timeout / 1000);
	say_numbers(result, what, "try again, or wait longer with --timeout");
}

static void
say_ended(const struct transfer_result *result, const char *server)
{
	char what[WHAT_MAX];
	(void)snprintf(what, sizeof what,
	    "the answer was cut short: %s ended the connection before the end "
	    "of the text",
	    server);
	say_numbers(
	    result, what, "try again, the log of the server may say why");
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
	    "this is no answer of upcased: %s sent more lines than it got",
	    server);
	say_numbers(
	    result, what, "name another server with --server or UPC_SERVER");
}

int
verdict_say(
    const struct transfer_result *result, const char *server, uint32_t timeout)
{
	switch (result->outcome) {
	case TRANSFER_WHOLE:
		return EX_OK;
	case TRANSFER_INPUT_FAILED:
		say("cannot read standard input: %s; only what came before "
		    "was answered, give it a file or a pipe that can be read",
		    strerror(result->error));
		return EX_NOINPUT;
	case TRANSFER_OUTPUT_FAILED:
		say("cannot write the answer to standard output: %s; try "
		    "again with an output that takes all of it",
		    strerror(result->error));
		break;
	case TRANSFER_SERVER_FAILED:
		say_broken(result, server);
		break;
	case TRANSFER_EXPIRED:
		say_expired(result, server, timeout);
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
