/* SPDX-License-Identifier: ISC */
/* From the addresses that were asked for to those that they stand for. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "daemon/options.h"
#include "net/transport.h"

struct resolved {
	const struct transport *transport;
	const struct daemon_choice *choice;
	const char *name; /* of the option that they come from */
	const char *by;   /* how messages say to choose others there */
	const struct address *options;
	const unsigned *lines; /* of the file, for each; 0: not from there */
	size_t n;
	unsigned line;                                /* of what is no list */
	struct addrinfo *found[DAEMON_ADDRESSES_MAX]; /* one list for each */
};

/*
 * Looks all addresses up, which may wait for a name server, and makes sure that
 * they can be served together.  Returns 0 or an exit status of sysexits(3),
 * logged.  The choice must outlive what was resolved.
 */
int resolve_addresses(struct resolved *, const struct daemon_choice *);

/* The same for the address of the metrics, where there is one. */
int resolve_metrics(struct resolved *, const struct daemon_choice *);

/* To be called whatever the outcome was. */
void resolved_free(struct resolved *);

#endif
