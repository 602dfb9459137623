/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/connect.h"

#include "base/say.h"
#include "net/dial.h"
#include "net/lookup.h"
#include "net/race.h"

#include <stdio.h>

int
connect_server(const struct address *server, int family, uint32_t timeout,
    char peer[static ADDRESS_TEXT_MAX])
{
	struct addrinfo *list;
	int status = lookup_run(server, family, timeout, &list);
	if (status != 0) {
		say("no address found for '%s': %s; name the server with "
		    "--server or UPC_SERVER",
		    server->host, dial_resolve_error(status));
		return -1;
	}
	char tried[RACE_TRIED_MAX];
	const struct addrinfo *winner;
	int fd = race_run(list, timeout, &winner, tried);
	if (fd == -1)
		say("no server answers (%s); start upcased there, or name "
		    "another server with --server or UPC_SERVER",
		    tried);
	else
		(void)address_format(winner->ai_addr, peer);
	freeaddrinfo(list);
	return fd;
}
