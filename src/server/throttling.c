/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/throttling.h"

#include <inttypes.h>
#include <string.h>

static const char *
option_of(enum counter cause)
{
	return cause == COUNTER_SOURCE_RATE ? "connection-rate-per-source"
					    : "max-connections-per-source";
}

static struct throttle *
find(struct throttling *throttling, const struct prefix *prefix,
    enum counter cause)
{
	for (size_t i = 0; i < throttling->n; i++) {
		struct throttle *throttle = &throttling->throttles[i];
		if (throttle->cause == cause &&
		    memcmp(&throttle->prefix, prefix, sizeof *prefix) == 0)
			return throttle;
	}
	return NULL;
}

bool
throttling_note(struct throttling *throttling, const struct prefix *prefix,
    enum counter cause, uint64_t now)
{
	char text[PREFIX_TEXT_MAX];
	struct throttle *throttle = find(throttling, prefix, cause);
	if (throttle != NULL) {
		throttle->last = now;
		throttle->refused++;
		return false;
	}
	(void)prefix_format(prefix, text);
	if (throttling->n == THROTTLING_MAX) {
		char note[LOG_NOTE_MAX];
		if (log_limit_pass(&throttling->others, now, note))
			log_warnx("refused a connection of %s as well: %s%s",
			    text, option_of(cause), note);
		return false;
	}
	throttling->throttles[throttling->n++] = (struct throttle){
	    .prefix = *prefix,
	    .cause = cause,
	    .began = now,
	    .last = now,
	    .refused = 1,
	};
	log_warnx("throttling %s: it has reached %s", text, option_of(cause));
	return throttling->n == 1;
}

static void
log_end(const struct throttle *throttle)
{
	char text[PREFIX_TEXT_MAX];
	uint64_t ms = throttle->last - throttle->began;
	log_info("no longer throttling %s: %zu connections were refused in "
		 "%" PRIu64 " s, for %s",
	    prefix_format(&throttle->prefix, text), throttle->refused,
	    (ms + 999) / 1000, option_of(throttle->cause));
}

bool
throttling_tell(struct throttling *throttling, uint64_t now, bool all)
{
	size_t kept = 0;
	for (size_t i = 0; i < throttling->n; i++) {
		const struct throttle *throttle = &throttling->throttles[i];
		if (all || now - throttle->last >= THROTTLING_QUIET_MS)
			log_end(throttle);
		else
			throttling->throttles[kept++] = *throttle;
	}
	throttling->n = kept;
	return kept > 0;
}
