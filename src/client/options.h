/* SPDX-License-Identifier: ISC */
/* The command line and the environment of upc. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "config/cli.h"
#include "net/address.h"

#include <stdbool.h>
#include <stdint.h>

struct client_options {
	struct address server;
	int family;               /* AF_UNSPEC, AF_INET or AF_INET6 */
	uint32_t connect_timeout; /* ms for each address; 0: no limit */
	uint32_t timeout;         /* ms without progress; 0: no limit */
	uint32_t answer_timeout;  /* ms for the end of the answer; 0: none */
	bool takes_files;         /* the words are names of files */
	bool no_progress;
	bool raw; /* nothing is made visible */
};

/* All options but --version and --help. */
extern const struct option_row client_rows[];

/*
 * Fills in the defaults, the environment and the options of argv, and stores
 * in *first the index of the first word of the text, or of the first file.
 */
enum cli_outcome client_options_read(
    struct client_options *, int argc, char **argv, int *first);

#endif
