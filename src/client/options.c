/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/options.h"

#include "base/say.h"
#include "config/rows.h"
#include "net/address_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The order is that of the manual page. */
#define OPTION_SETTINGS struct client_options
const struct option_row client_rows[] = {
    {"server", ADDRESS(server), "ADDRESS", .letter = 's',
	.otherwise = "$UPC_SERVER, or else localhost:" ADDRESS_PORT,
	.help = "the server, such as 127.0.0.1:5220 or name:5220"},
    {"ipv4", CONSTANT(family, AF_INET), .letter = '4',
	.help = "use only IPv4 addresses of the server"},
    {"ipv6", CONSTANT(family, AF_INET6), .letter = '6',
	.help = "use only IPv6 addresses of the server"},
    {"connect-timeout", TIME(connect_timeout, 0, VALUE_WEEK), "T",
	.preset = "10s",
	.help = "wait for T to look up the server, and then for\n"
		"each address; 0: as long as the system does"},
    {"timeout", TIME(timeout, 0, VALUE_WEEK), "T", .preset = "1m",
	.help = "give up when the server moves nothing for T;\n"
		"0: never"},
    {"answer-timeout", TIME(answer_timeout, 0, VALUE_WEEK), "T",
	.preset = "10m",
	.help = "give up when the answer has not come to its end T\n"
		"after the last of the text was sent; 0: never"},
    {"no-progress", SWITCH(no_progress),
	.help = "never show how far a long text has come"},
    {"raw", SWITCH(raw),
	.help = "leave control characters of the answer as they are\n"
		"on a terminal, too"},
    {"file", SWITCH(takes_files), .letter = 'f',
	.help = "the words are names of files, whose text is sent;\n"
		"- is standard input"},
    {.name = NULL},
};

static void
print_version(void)
{
	(void)puts("upc " PACKAGE_VERSION);
}

static const struct cli cli = {
    .usage =
	"[-s ADDRESS] [-4 | -6] [--connect-timeout T]\n"
	"           [--timeout T] [--answer-timeout T] [--no-progress] [--raw]\n"
	"           [TEXT ...]\n"
	"       upc [option ...] -f FILE ...",
    .summary = "Sends text to upcased and prints its answer in upper case.\n"
	       "Without TEXT or FILE it sends standard input.",
    .print_version = print_version,
    .takes_operands = true,
    .rows = client_rows,
};

/* The server that no option has named. */
static enum cli_outcome
read_environment(struct client_options *options)
{
	char sentence[SENTENCE_MAX];
	const char *server = getenv("UPC_SERVER");
	if (server == NULL || server[0] == '\0')
		server = "localhost:" ADDRESS_PORT;
	if (option_set(
		option_find(client_rows, "server"), options, server, sentence))
		return CLI_RUN;
	say("UPC_SERVER: %s", sentence);
	return CLI_BAD;
}

/* Without this, --file and no file would wait for standard input. */
static bool
has_files(const struct client_options *options, bool has_operands)
{
	if (!options->takes_files || has_operands)
		return true;
	say("--file: no file is named; name one after it, or - for standard "
	    "input");
	return false;
}

enum cli_outcome
client_options_read(
    struct client_options *options, int argc, char **argv, int *first)
{
	*options = (struct client_options){.family = AF_UNSPEC};
	enum cli_outcome outcome =
	    cli_parse(&cli, options, NULL, argc, argv, first);
	if (outcome == CLI_RUN && !has_files(options, *first < argc))
		return CLI_BAD;
	if (outcome == CLI_RUN && options->server.port[0] == '\0')
		outcome = read_environment(options);
	/* A client has one server: no host means this host, not all of it. */
	if (options->server.host[0] == '\0')
		memcpy(options->server.host, "localhost", sizeof "localhost");
	return outcome;
}
