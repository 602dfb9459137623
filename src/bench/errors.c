/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/errors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* The status for an answer that is not right. */
enum { WRONG_ANSWER = 1 };

static const struct {
	const char *name;
	const char *meaning; /* for people */
} kinds[ERROR_KINDS] = {
    [ERROR_WRONG] = {"wrong", "the answer is wrong"},
    [ERROR_LOST] = {"lost", "the answer is cut short"},
    [ERROR_EXTRA] = {"extra", "there is more than the answer"},
    [ERROR_CLOSED] = {"closed", "the connection broke"},
    [ERROR_REFUSED] = {"refused", "no connection"},
    [ERROR_TIMEOUT] = {"timeout", "the answer does not come"},
};

const char *
errors_name(enum error_kind kind)
{
	return kinds[kind].name;
}

void
errors_add(struct errors *errors, const struct error *error)
{
	if (errors->total == 0)
		errors->first = *error;
	errors->counts[error->kind]++;
	errors->total++;
}

/* The first bytes in hex, and how many there are if those are not all. */
static void
say_bytes(const char *what, const unsigned char *bytes, size_t n)
{
	(void)fprintf(stderr, "%s", what);
	for (size_t i = 0; i < n && i < ERRORS_SHOWN; i++)
		(void)fprintf(stderr, " %02x", bytes[i]);
	if (n > ERRORS_SHOWN)
		(void)fprintf(stderr, " ... (%zu bytes)", n);
}

static void
say_expected(const struct error *error)
{
	if (error->nexpected == 0)
		(void)fprintf(stderr, "expected nothing more");
	else
		say_bytes("expected", error->expected, error->nexpected);
	(void)fprintf(stderr, ", ");
}

static void
say_received(const struct error *error, uint32_t timeout)
{
	switch (error->kind) {
	case ERROR_WRONG:
	case ERROR_EXTRA:
		say_bytes("received", error->received, error->nreceived);
		break;
	case ERROR_LOST:
	case ERROR_CLOSED:
		(void)fprintf(stderr, "received %s",
		    error->reason == 0 ? "the end of the connection"
				       : strerror(error->reason));
		break;
	case ERROR_TIMEOUT:
		(void)fprintf(stderr, "received nothing for %g seconds",
		    (double)timeout / 1000);
		break;
	case ERROR_REFUSED:
	case ERROR_KINDS:
		break;
	}
}

static void
say_refused(const struct error *error, const char *server)
{
	(void)fprintf(stderr,
	    "upcbench: connection %u: cannot connect to %s: %s; start a server "
	    "there, or let it take more connections\n",
	    error->connection, server, strerror(error->reason));
}

int
errors_say(const struct errors *errors, const char *server, uint32_t timeout)
{
	const struct error *error = &errors->first;
	if (errors->total == 0)
		return EX_OK;
	if (error->kind == ERROR_REFUSED) {
		say_refused(error, server);
	} else {
		(void)fprintf(stderr,
		    "upcbench: connection %u to %s: %s at byte %" PRIu64 ": ",
		    error->connection, server, kinds[error->kind].meaning,
		    error->offset);
		say_expected(error);
		say_received(error, timeout);
		(void)fputc('\n', stderr);
	}
	return errors->total == errors->counts[ERROR_REFUSED] ? EX_UNAVAILABLE
							      : WRONG_ANSWER;
}
