/* SPDX-License-Identifier: ISC */
/* upc: sends text to upcased and prints the answer. */
#include "config.h"

#include "base/say.h"
#include "base/streams.h"
#include "base/sys.h"
#include "client/connect.h"
#include "client/options.h"
#include "client/progress.h"
#include "client/transfer.h"
#include "client/verdict.h"

#include <sys/stat.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* The words with a blank between two and a line end; NULL: no memory. */
static char *
join(int nwords, char **words)
{
	size_t size = 1;
	for (int i = 0; i < nwords; i++)
		size += strlen(words[i]) + 1;
	char *text = malloc(size);
	if (text == NULL)
		return NULL;
	char *end = text;
	for (int i = 0; i < nwords; i++) {
		size_t length = strlen(words[i]);
		memcpy(end, words[i], length);
		end += length;
		*end++ = i + 1 < nwords ? ' ' : '\n';
	}
	*end = '\0';
	return text;
}

/* What is left to read of standard input; 0: not known, as of a pipe. */
static uint64_t
input_size(void)
{
	struct stat status;
	if (fstat(STDIN_FILENO, &status) == -1 || !S_ISREG(status.st_mode))
		return 0;
	off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	return at >= 0 && at < status.st_size ? (uint64_t)(status.st_size - at)
					      : 0;
}

/* The answer to a file must not end in that file, where it would be sent too.
 */
static bool
is_answered_into_input(void)
{
	struct stat input;
	return fstat(STDIN_FILENO, &input) == 0 && streams_print_to(&input);
}

/* A progress line must not run into an answer or a line being typed. */
static bool
wants_progress(const struct client_options *options)
{
	return !options->no_progress && isatty(STDERR_FILENO) != 0 &&
	       isatty(STDOUT_FILENO) == 0 && isatty(STDIN_FILENO) == 0;
}

/* Sends the text, or standard input without one; returns the exit status. */
static int
exchange(const struct client_options *options, const char *text, int server,
    const char *peer)
{
	struct progress progress;
	progress_start(&progress, wants_progress(options) ? STDERR_FILENO : -1,
	    text == NULL ? input_size() : 0, sys_now());
	const struct transfer_task task = {
	    .server = server,
	    .text = text,
	    .length = text == NULL ? 0 : strlen(text),
	    .input = text == NULL ? STDIN_FILENO : -1,
	    .output = STDOUT_FILENO,
	    .is_dialogue = text == NULL && isatty(STDIN_FILENO) != 0 &&
			   isatty(STDOUT_FILENO) != 0,
	    .timeout = options->timeout,
	    .progress = &progress,
	};
	struct transfer_result result;
	transfer_run(&task, &result);
	return verdict_say(&result, peer, options->timeout);
}

int
main(int argc, char **argv)
{
	say_as("upc");
	if (streams_fill() == -1)
		return EX_OSERR;
	(void)signal(SIGPIPE, SIG_IGN);

	struct client_options options;
	int first = argc;
	enum cli_outcome outcome =
	    client_options_read(&options, argc, argv, &first);
	if (outcome == CLI_BAD)
		return EX_USAGE;
	if (outcome == CLI_DONE)
		return streams_end_output();

	char *text = NULL;
	if (first < argc) {
		text = join(argc - first, argv + first);
		if (text == NULL) {
			say("out of memory for the text");
			return EX_OSERR;
		}
	}
	if (text == NULL && is_answered_into_input()) {
		say("standard input and output are the same file; write to "
		    "another one, and rename that");
		return EX_USAGE;
	}
	char peer[ADDRESS_TEXT_MAX];
	int server = connect_server(
	    &options.server, options.family, options.connect_timeout, peer);
	if (server == -1) {
		free(text);
		return EX_UNAVAILABLE;
	}
	int status = exchange(&options, text, server, peer);
	(void)sys_close(server);
	free(text);
	return status;
}
