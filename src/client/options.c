/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/options.h"

#include "config/duration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 10 * 1000, TIMEOUT_MS = 60 * 1000 };

/* Returns -1 when the text is no address. */
static int
read_server(struct address *server, const char *text)
{
	if (address_parse(server, text) == -1)
		return -1;
	/* A client has one server: no host means this host, not all of it. */
	if (server->host[0] == '\0')
		memcpy(server->host, "localhost", sizeof "localhost");
	return 0;
}

static const char *
set_server(void *settings, const char *value)
{
	struct client_options *options = settings;
	options->has_server = true;
	return read_server(&options->server, value) == 0 ? NULL
							 : ADDRESS_SYNTAX;
}

static const char *
set_ipv4(void *settings, const char *value)
{
	(void)value;
	((struct client_options *)settings)->family = AF_INET;
	return NULL;
}

static const char *
set_ipv6(void *settings, const char *value)
{
	(void)value;
	((struct client_options *)settings)->family = AF_INET6;
	return NULL;
}

static const char *
set_connect_timeout(void *settings, const char *value)
{
	struct client_options *options = settings;
	return duration_parse(&options->connect_timeout, value) == 0
		   ? NULL
		   : DURATION_SYNTAX;
}

static const char *
set_timeout(void *settings, const char *value)
{
	struct client_options *options = settings;
	return duration_parse(&options->timeout, value) == 0 ? NULL
							     : DURATION_SYNTAX;
}

static const char *
set_no_progress(void *settings, const char *value)
{
	(void)value;
	((struct client_options *)settings)->no_progress = true;
	return NULL;
}

static const char *
set_version(void *settings, const char *value)
{
	(void)value;
	((struct client_options *)settings)->version = true;
	return NULL;
}

/* The order is that of the manual page. */
static const struct option_row rows[] = {
    {
	.name = "server",
	.argument = "ADDRESS",
	.help = "the server, such as 127.0.0.1:5220 or name:5220\n"
		"(default: $UPC_SERVER, or else localhost:" ADDRESS_PORT ")",
	.set = set_server,
    },
    {
	.name = "ipv4",
	.letter = '4',
	.help = "use only IPv4 addresses of the server",
	.set = set_ipv4,
    },
    {
	.name = "ipv6",
	.letter = '6',
	.help = "use only IPv6 addresses of the server",
	.set = set_ipv6,
    },
    {
	.name = "connect-timeout",
	.argument = "T",
	.help = "wait for each address of the server for T\n"
		"(default: 10s; 0: as long as the system does)",
	.set = set_connect_timeout,
    },
    {
	.name = "timeout",
	.argument = "T",
	.help = "give up when the server moves nothing for T\n"
		"(default: 1m; 0: never)",
	.set = set_timeout,
    },
    {
	.name = "no-progress",
	.help = "never show how far a long text has come",
	.set = set_no_progress,
    },
    {
	.name = "version",
	.letter = 'V',
	.help = "print the version and exit",
	.set = set_version,
    },
    {.name = NULL},
};

static const struct options table = {
    .program = "upc",
    .usage = "[--server ADDRESS] [-4 | -6] [--connect-timeout T]\n"
	     "           [--timeout T] [--no-progress] [TEXT ...]",
    .summary = "Sends text to upcased and prints its answer in upper case.\n"
	       "Without TEXT it sends standard input.",
    .rows = rows,
};

enum options_outcome
client_options_parse(
    struct client_options *options, int argc, char **argv, int *first)
{
	*options = (struct client_options){
	    .server = {.host = "localhost", .port = ADDRESS_PORT},
	    .family = AF_UNSPEC,
	    .connect_timeout = CONNECT_TIMEOUT_MS,
	    .timeout = TIMEOUT_MS,
	};
	enum options_outcome outcome =
	    options_parse(&table, options, argc, argv, first);
	const char *server = getenv("UPC_SERVER");
	if (outcome != OPTIONS_RUN || options->has_server || server == NULL ||
	    server[0] == '\0')
		return outcome;
	if (read_server(&options->server, server) == 0)
		return OPTIONS_RUN;
	(void)fprintf(stderr, "upc: UPC_SERVER: '%s' is not %s\n", server,
	    ADDRESS_SYNTAX);
	return OPTIONS_BAD;
}
