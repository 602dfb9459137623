/* SPDX-License-Identifier: ISC */
/* The command line of upcased. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "base/log.h"
#include "config/options.h"
#include "net/address.h"
#include "server/settings.h"

#include <stdbool.h>
#include <stddef.h>

/* The most addresses that can be asked for. */
#define DAEMON_ADDRESSES_MAX 64

struct daemon_options {
	struct address listen[DAEMON_ADDRESSES_MAX];
	size_t nlisten; /* 0: the default addresses */
	const char *user;
	enum log_level log_level;
	bool version;
	struct settings server;
};

/* Fills in the defaults and reads the arguments. */
enum options_outcome daemon_options_read(
    struct daemon_options *, int argc, char **argv);

#endif
