/* SPDX-License-Identifier: ISC */
/*
 * What an administrator chooses: by the command line, in the configuration file
 * where that leaves it open, and by default.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "base/log.h"
#include "config/cli.h"
#include "net/address.h"
#include "server/settings.h"

#include <stdbool.h>
#include <stddef.h>

/* The most addresses that can be asked for. */
#define DAEMON_ADDRESSES_MAX 64

/* Room for the name of the configuration file, its end included. */
#define DAEMON_PATH_MAX 4096

/* More rows than there are. */
#define DAEMON_ROWS_MAX 32

struct daemon_options {
	char config[DAEMON_PATH_MAX];
	bool check;
	struct address listen[DAEMON_ADDRESSES_MAX];
	size_t nlisten;
	struct address metrics; /* its port is empty: there are none */
	char user[256];         /* empty: the default account */
	enum log_place log;
	enum log_level log_level;
	/* As it was asked for: the number of workers may be 0, for auto. */
	struct settings server;
};

/* The command line, which holds from the start to the end. */
struct daemon_arguments {
	struct daemon_options options;
	bool given[DAEMON_ROWS_MAX]; /* by the index of the row */
	bool was_relative;           /* the name of the file, as it was given */
	unsigned processors;         /* how many workers auto means */
};

/* What is in force, and where it came from. */
struct daemon_choice {
	struct daemon_options options;
	struct settings settings; /* the same as options.server, without auto */
	bool has_file;
	bool listens_by_default;         /* no address was asked for */
	unsigned lines[DAEMON_ROWS_MAX]; /* of the file; 0: not from there */
	unsigned listen_lines[DAEMON_ADDRESSES_MAX]; /* of each address */
};

/* All options but --version and --help. */
extern const struct option_row daemon_rows[];

/* The configuration file that is read if there is one and none was named. */
extern const char daemon_config_default[];

/*
 * Fills in the defaults and reads the arguments.  The version is printed by the
 * function, if it is asked for.  A relative name of a file is made absolute.
 */
enum cli_outcome daemon_arguments_read(struct daemon_arguments *, int argc,
    char **argv, void (*print_version)(void));

/*
 * Reads the configuration file, and puts it together with the arguments.
 * Returns 0 or an exit status of sysexits(3), when all that was wrong has been
 * logged.
 */
int daemon_choose(struct daemon_choice *, const struct daemon_arguments *);

/* The line of the file that an option has its values from; 0: none. */
unsigned daemon_line(const struct daemon_choice *, const char *name);

/* Room for a text that daemon_place makes, its end included. */
#define DAEMON_PLACE_MAX 160

/*
 * Writes "FILE:LINE: ", with which a message about that line of the file
 * begins, or for line 0 nothing.
 */
const char *daemon_place(const struct daemon_choice *, unsigned line,
    char text[static DAEMON_PLACE_MAX]);

#endif
