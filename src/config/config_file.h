/* SPDX-License-Identifier: ISC */
/*
 * Configuration files: a line is
 *
 *	key = value
 *
 * where the key is the name of an option, and the value what is left of the
 * line, without the blanks around it.  There are no quotes.  A line that begins
 * with # is a comment, and a blank one is nothing.  A key that is given again
 * adds to a list, and is an error else.  The text is UTF-8; lines may end as
 * they do on Windows.
 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config/option.h"

/* Bounds of a file, in bytes; a line is counted without its end. */
#define CONFIG_FILE_MAX (1024L * 1024)
#define CONFIG_LINE_MAX 4096

struct config_file {
	const char *path;
	const struct option_row *rows;
	/*
	 * Called for each error, with a sentence that names file and line, and
	 * with the error of the system that is the reason, or 0.
	 */
	void (*complain)(const char *sentence, int error);
	/*
	 * Called for each value of a list, with its row, its number from 0 on,
	 * and its line; or NULL.
	 */
	void (*listed)(
	    void *arg, const struct option_row *, size_t i, unsigned line);
	void *arg;
};

enum config_outcome {
	CONFIG_READ,
	CONFIG_MISSING, /* there is no such file, of which nothing was said */
	CONFIG_BAD      /* what was wrong was said: the settings are void */
};

/*
 * Reads the file into the settings, a row's values instead of what it had.
 * Stores in lines[i] where row i was set last; 0: it was not.  Never waits for
 * what is no regular file, such as a FIFO.  A link that leads nowhere is an
 * error, and not a missing file.
 */
enum config_outcome config_file_read(
    const struct config_file *, void *settings, unsigned *lines);

#endif
