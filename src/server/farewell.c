/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/farewell.h"

#include "base/sys.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The address of the client in words, or else that of the peer. */
static void
describe(
    int fd, const struct sockaddr *client, char text[static ADDRESS_TEXT_MAX])
{
	struct sockaddr_storage peer;
	if (client != NULL)
		address_format(client, text);
	else if (sys_getpeername(fd, &peer) == 0)
		address_format((struct sockaddr *)&peer, text);
	else
		/* After a reset the system no longer knows. */
		(void)snprintf(text, ADDRESS_TEXT_MAX, "a peer that is gone");
}

/* What is logged when a connection ends; a verb of NULL: nothing. */
static const struct sentence {
	const char *verb, *reason;
	bool is_warning;
} sentences[NCOUNTERS] = {
    [COUNTER_IDLE] = {"ended", "sent nothing for as long as --idle-timeout",
	false},
    [COUNTER_QUIET] = {"ended", "was quiet while the server drained", false},
    [COUNTER_REFUSED] = {"ended", "sent bytes that are not UTF-8", false},
    [COUNTER_STALLED] = {"reset",
	"took nothing of its answer for as long as --stall-timeout", false},
    [COUNTER_EVICTED] = {"reset",
	"did not read its answers: the memory for pending output is full",
	true},
    [COUNTER_FORBIDDEN] = {"reset", "is not one that --allow has", false},
    [COUNTER_PROXY_ERRORS] = {"reset",
	"sent no PROXY header, or none that is right and whole", true},
    [COUNTER_PROXY_FORBIDDEN] = {"reset", "is no proxy that --proxy-from has",
	true},
    [COUNTER_CUT] = {"reset", "had not ended when the drain did", false},
};

void
farewell_log(struct log_limit *limit, uint64_t now, int fd,
    const struct sockaddr *client, enum counter cause)
{
	const struct sentence *sentence = &sentences[cause];
	char note[LOG_NOTE_MAX], peer[ADDRESS_TEXT_MAX];
	if (sentence->verb == NULL || !log_limit_pass(limit, now, note))
		return;
	describe(fd, client, peer);
	if (sentence->is_warning)
		log_warnx("%s %s, which %s%s", sentence->verb, peer,
		    sentence->reason, note);
	else
		log_info("%s %s, which %s%s", sentence->verb, peer,
		    sentence->reason, note);
}
