/* SPDX-License-Identifier: ISC */
/* upc: sends text to upcased and prints the answer. */
#include "config.h"

#include "base/printable.h"
#include "base/say.h"
#include "base/streams.h"
#include "base/sys.h"
#include "client/connect.h"
#include "client/filter.h"
#include "client/input.h"
#include "client/options.h"
#include "client/progress.h"
#include "client/transfer.h"
#include "client/verdict.h"

#include <sys/stat.h>

#include <stdbool.h>
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

static bool
is_terminal(int fd)
{
	return isatty(fd) != 0;
}

/* A progress line must not run into an answer or a line being typed. */
static bool
wants_progress(const struct client_options *options)
{
	return !options->no_progress && is_terminal(STDERR_FILENO) &&
	       !is_terminal(STDOUT_FILENO) && !is_terminal(STDIN_FILENO);
}

/* What there is to send, one of the two. */
struct source {
	const char *text;   /* NULL: the files are it */
	char *const *files; /* names, ended by NULL */
};

/* Exchanges it for the answer; returns the exit status. */
static int
exchange(const struct client_options *options, const struct source *source,
    struct input *input, int server, const char *peer)
{
	struct progress progress;
	progress_start(&progress, wants_progress(options) ? STDERR_FILENO : -1,
	    input_size(source->files), sys_now());
	const struct transfer_task task = {
	    .server = server,
	    .text = source->text,
	    .length = source->text == NULL ? 0 : strlen(source->text),
	    .input = input,
	    .output = STDOUT_FILENO,
	    .is_dialogue = input->fd == STDIN_FILENO &&
			   is_terminal(STDIN_FILENO) &&
			   is_terminal(STDOUT_FILENO),
	    .is_shown = !options->raw && is_terminal(STDOUT_FILENO),
	    .tells_invalid = is_terminal(STDERR_FILENO),
	    .timeout = options->timeout,
	    .answer_timeout = options->answer_timeout,
	    .progress = &progress,
	};
	struct transfer_result result;
	transfer_run(&task, &result);
	if (result.outcome == TRANSFER_UNREAD)
		filter_end();
	return verdict_say(&result, peer, &task);
}

static int
run(const struct client_options *options, const struct source *source)
{
	struct input input;
	input_start(&input, source->files, STDOUT_FILENO);
	if (source->text == NULL && input.fd == -1)
		return EX_NOINPUT;
	char peer[ADDRESS_TEXT_MAX];
	int server = connect_server(
	    &options->server, options->family, options->connect_timeout, peer);
	if (server == -1)
		return EX_UNAVAILABLE;
	int status = exchange(options, source, &input, server, peer);
	(void)sys_close(server);
	return status == EX_OK && input.has_failed ? EX_NOINPUT : status;
}

/* Who has sent the name of a file may have meant the file. */
static void
hint_at_file(const char *word)
{
	struct stat status;
	if (!is_terminal(STDERR_FILENO) || stat(word, &status) == -1 ||
	    !S_ISREG(status.st_mode))
		return;
	char shown[PRINTABLE_MAX];
	say("there is a file '%s'; to send what is in it, use --file",
	    printable(word, shown));
}

/* Sends the words, of which there is at least one. */
static int
run_words(const struct client_options *options, int nwords, char **words)
{
	static char *const none[] = {NULL};
	char *text = join(nwords, words);
	if (text == NULL) {
		say("out of memory for the text");
		return EX_OSERR;
	}
	const struct source source = {.text = text, .files = none};
	int status = run(options, &source);
	free(text);
	if (status == EX_OK && nwords == 1)
		hint_at_file(words[0]);
	return status;
}

int
main(int argc, char **argv)
{
	say_as("upc");
	if (streams_fill() == -1)
		return EX_OSERR;

	struct client_options options;
	int first = argc;
	enum cli_outcome outcome =
	    client_options_read(&options, argc, argv, &first);
	if (outcome == CLI_BAD)
		return EX_USAGE;
	if (outcome == CLI_DONE)
		return streams_end_output();

	filter_start();
	if (first < argc && !options.takes_files)
		return run_words(&options, argc - first, argv + first);
	static char dash[] = "-";
	static char *const standard_input[] = {dash, NULL};
	const struct source source = {
	    .files = first < argc ? argv + first : standard_input};
	return run(&options, &source);
}
