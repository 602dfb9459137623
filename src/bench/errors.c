/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/errors.h"

#include "base/say.h"
#include "config/sentence.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

/* The status for an answer that is not right. */
enum { WRONG_ANSWER = 1 };

const char *
errors_name(enum error_kind kind)
{
	static const char *const names[ERROR_KINDS] = {
	    [ERROR_WRONG] = "wrong",
	    [ERROR_LOST] = "lost",
	    [ERROR_EXTRA] = "extra",
	    [ERROR_CLOSED] = "closed",
	    [ERROR_REFUSED] = "refused",
	    [ERROR_TIMEOUT] = "timeout",
	};
	return names[kind];
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
add_bytes(char sentence[static SENTENCE_MAX], const char *what,
    const unsigned char *bytes, size_t n)
{
	sentence_add(sentence, "%s", what);
	for (size_t i = 0; i < n && i < ERRORS_SHOWN; i++)
		sentence_add(sentence, " %02x", bytes[i]);
	if (n > ERRORS_SHOWN)
		sentence_add(sentence, " ... (%zu bytes)", n);
}

static void
add_expected(char sentence[static SENTENCE_MAX], const struct error *error)
{
	if (error->nexpected == 0)
		sentence_add(sentence, "expected nothing more");
	else
		add_bytes(
		    sentence, "expected", error->expected, error->nexpected);
	sentence_add(sentence, ", ");
}

static void
add_received(char sentence[static SENTENCE_MAX], const struct error *error,
    uint32_t timeout, uint32_t answer_timeout)
{
	switch (error->kind) {
	case ERROR_WRONG:
	case ERROR_EXTRA:
		add_bytes(
		    sentence, "received", error->received, error->nreceived);
		break;
	case ERROR_LOST:
		sentence_add(sentence, "received the end of the connection");
		break;
	case ERROR_CLOSED:
		sentence_add(sentence, "received %s",
		    error->reason == 0 ? "the end of the connection"
				       : strerror(error->reason));
		break;
	case ERROR_TIMEOUT:
		if (error->reason == 0)
			sentence_add(sentence,
			    "received nothing for %g seconds",
			    (double)timeout / 1000);
		else
			sentence_add(sentence,
			    "received no whole answer for %g seconds",
			    (double)answer_timeout / 1000);
		break;
	case ERROR_REFUSED:
	case ERROR_KINDS:
		break;
	}
}

/* What each kind means, for people. */
static const char *
describe(enum error_kind kind)
{
	static const char *const words[ERROR_KINDS] = {
	    [ERROR_WRONG] = "the answer is wrong",
	    [ERROR_LOST] = "the answer is cut short",
	    [ERROR_EXTRA] = "there is more than the answer",
	    [ERROR_CLOSED] = "the connection broke",
	    [ERROR_REFUSED] = "no connection",
	    [ERROR_TIMEOUT] = "the answer does not come",
	};
	return kind < ERROR_KINDS ? words[kind] : "";
}

int
errors_say(const struct errors *errors, const char *server, uint32_t timeout,
    uint32_t answer_timeout)
{
	const struct error *error = &errors->first;
	if (errors->total == 0)
		return EX_OK;
	if (error->kind == ERROR_REFUSED) {
		say("connection %u: cannot connect to %s: %s; start a server "
		    "there, or let it take more connections",
		    error->connection, server, strerror(error->reason));
	} else {
		char sentence[SENTENCE_MAX] = "";
		add_expected(sentence, error);
		add_received(sentence, error, timeout, answer_timeout);
		say("connection %u to %s: %s at byte %" PRIu64 ": %s",
		    error->connection, server, describe(error->kind),
		    error->offset, sentence);
	}
	return errors->total == errors->counts[ERROR_REFUSED] ? EX_UNAVAILABLE
							      : WRONG_ANSWER;
}
