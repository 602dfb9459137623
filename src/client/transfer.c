/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/transfer.h"

#include "base/say.h"
#include "base/sys.h"
#include "client/answer.h"
#include "client/dialogue.h"
#include "client/invalid.h"
#include "client/patience.h"
#include "client/visible.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

/* <limits.h> leaves it out where it differs between files. */
#ifndef PIPE_BUF
#define PIPE_BUF _POSIX_PIPE_BUF
#endif

enum {
	BUFFER_SIZE = 64 * 1024,
	/* What becomes no more than a buffer when it is made visible. */
	VISIBLE_MAX = BUFFER_SIZE / 4 - VISIBLE_HELD,
	/* A pipe that poll(2) calls writable takes this much without a wait. */
	WRITE_MAX = PIPE_BUF
};

/* The rows of the array for poll(2). */
enum { INPUT, SERVER, OUTPUT, NWATCHED };

/*
 * What poll(2) is asked of an output that has nothing to take.  It reports that
 * the reader is gone unasked, but some systems do so only where they are asked
 * for something; GNU tail asks for this, which an output never has.
 */
enum { ALIVE = POLLRDBAND };

struct transfer {
	const struct transfer_task *task;
	struct transfer_result *result;
	const char *unsent; /* what is left to send */
	size_t nunsent;
	const char *unwritten; /* what is left to print */
	size_t nunwritten;
	struct patience patience; /* with the server */
	bool input_ended;
	bool shut;         /* nothing is sent any more */
	bool server_ended; /* nothing comes any more */
	bool stopped;      /* going on makes no sense */
	struct dialogue dialogue;
	struct answer answer;
	struct invalid invalid;
	struct visible visible;
	char from_input[BUFFER_SIZE];
	char from_server[BUFFER_SIZE];
	char shown[BUFFER_SIZE];
};

/* The first failure explains the ones after it. */
static void
fail(struct transfer *t, enum transfer_outcome outcome, int error)
{
	if (t->result->outcome != TRANSFER_WHOLE)
		return;
	t->result->outcome = outcome;
	t->result->error = error;
}

static void
stop(struct transfer *t, enum transfer_outcome outcome, int error)
{
	fail(t, outcome, error);
	t->stopped = true;
}

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
}

/* Whether it is the server's turn: to take the text, to answer or to end. */
static bool
is_owed(const struct transfer *t)
{
	return t->nunsent > 0 || t->shut ||
	       t->result->received.lines < t->result->sent.lines;
}

/* Everything that can be answered by now has been answered and printed. */
static bool
is_answered(const struct transfer *t)
{
	return t->nunsent == 0 && t->nunwritten == 0 &&
	       t->result->received.lines >= t->result->sent.lines;
}

static void
write_output(struct transfer *t)
{
	size_t n = t->nunwritten < WRITE_MAX ? t->nunwritten : WRITE_MAX;
	ssize_t written = sys_write(t->task->output, t->unwritten, n);
	if (written == -1 && would_block())
		return;
	if (written == -1) {
		stop(t,
		    errno == EPIPE ? TRANSFER_UNREAD : TRANSFER_OUTPUT_FAILED,
		    errno);
		return;
	}
	if (written > 0)
		dialogue_show(&t->dialogue, t->unwritten[written - 1]);
	t->unwritten += written;
	t->nunwritten -= (size_t)written;
	t->patience.moved = sys_now();
}

static void
stop_sending(struct transfer *t)
{
	t->input_ended = true;
	t->shut = true;
	t->nunsent = 0;
}

/* Bytes came; they are printed unless they cannot be an answer. */
static void
take_answer(struct transfer *t, size_t n)
{
	struct transfer_result *result = t->result;
	tally_add(&result->received, t->from_server, n);
	result->foreign = answer_judge(
	    &t->answer, &result->sent, &result->received, t->from_server, n);
	if (result->foreign != NULL) {
		/* It explains what else has failed with such a server. */
		result->outcome = TRANSFER_FOREIGN;
		t->stopped = true;
		return;
	}
	t->unwritten = t->from_server;
	t->nunwritten = n;
	if (!t->task->is_shown)
		return;
	t->unwritten = t->shown;
	t->nunwritten =
	    visible_update(&t->visible, t->shown, t->from_server, n);
}

static void
receive(struct transfer *t)
{
	ssize_t got = sys_recv(t->task->server, t->from_server,
	    t->task->is_shown ? VISIBLE_MAX : BUFFER_SIZE);
	if (got == -1 && would_block())
		return;
	if (got > 0) {
		take_answer(t, (size_t)got);
		return;
	}
	if (got == -1)
		fail(t, TRANSFER_SERVER_FAILED, errno);
	else if (!t->shut)
		fail(t, TRANSFER_ENDED, 0);
	t->server_ended = true;
	stop_sending(t);
	t->unwritten = t->shown;
	t->nunwritten = visible_end(&t->visible, t->shown);
}

static void
send_input(struct transfer *t)
{
	ssize_t sent = sys_send(t->task->server, t->unsent, t->nunsent);
	if (sent == -1 && would_block())
		return;
	t->patience.moved = sys_now();
	t->patience.waited = 0;
	if (sent == -1) {
		/* What the server said before it went is still to come. */
		fail(t, TRANSFER_SERVER_FAILED, errno);
		stop_sending(t);
		return;
	}
	tally_add(&t->result->sent, t->unsent, (size_t)sent);
	t->unsent += sent;
	t->nunsent -= (size_t)sent;
}

/* Says, once, that the text that is sent is not UTF-8. */
static void
tell_invalid(struct transfer *t, const char *bytes, size_t n)
{
	if (!invalid_find(&t->invalid, bytes, n))
		return;
	status_line_erase(&t->task->progress->line);
	say("the text is not all UTF-8; the server's --invalid decides what "
	    "becomes of such bytes, iconv(1) converts other encodings");
}

static void
end_input(struct transfer *t)
{
	t->input_ended = true;
	tell_invalid(t, NULL, 0);
}

static void
read_input(struct transfer *t)
{
	ssize_t got =
	    input_read(t->task->input, t->from_input, sizeof t->from_input);
	if (got == -1 && would_block())
		return;
	t->patience.moved = sys_now();
	if (got <= 0) {
		int error = got == -1 ? errno : 0;
		/* Something is said of this file, or may be of the next. */
		if (error != 0 || *t->task->input->rest != NULL)
			status_line_erase(&t->task->progress->line);
		input_next(t->task->input, error);
		if (t->task->input->fd == -1)
			end_input(t);
		return;
	}
	t->unsent = t->from_input;
	t->nunsent = (size_t)got;
	dialogue_hear(&t->dialogue, t->from_input, (size_t)got);
	tell_invalid(t, t->from_input, (size_t)got);
}

static void
half_close(struct transfer *t)
{
	if (t->shut || !t->input_ended || t->nunsent > 0)
		return;
	/* Where it fails there is no connection, and receiving says why. */
	(void)sys_shutdown(t->task->server);
	t->shut = true;
	t->result->has_sent_all = true;
}

static void
offer_prompt(struct transfer *t)
{
	if (t->input_ended || !is_answered(t))
		return;
	const char *prompt = dialogue_ask(&t->dialogue);
	if (prompt == NULL)
		return;
	t->unwritten = prompt;
	t->nunwritten = strlen(prompt);
}

/* A descriptor of -1 keeps hang-ups from poll(2) where nothing is wanted. */
static void
watch(struct pollfd *row, int fd, short events)
{
	*row = (struct pollfd){.fd = events == 0 ? -1 : fd, .events = events};
}

static void
set_interest(const struct transfer *t, struct pollfd rows[NWATCHED])
{
	bool reads = !t->input_ended && t->nunsent == 0 &&
		     (!t->task->is_dialogue || is_answered(t));
	bool sends = t->nunsent > 0;
	bool receives = !t->server_ended && t->nunwritten == 0;
	bool writes = t->nunwritten > 0;
	watch(&rows[INPUT], t->task->input->fd, reads ? POLLIN : 0);
	watch(&rows[SERVER], t->task->server,
	    (short)((sends ? POLLOUT : 0) | (receives ? POLLIN : 0)));
	watch(&rows[OUTPUT], t->task->output, writes ? POLLOUT : ALIVE);
}

/* Errors and hang-ups are events too; the call that follows says which. */
static void
move(struct transfer *t, const struct pollfd rows[NWATCHED])
{
	if (rows[OUTPUT].revents != 0 && t->nunwritten > 0)
		write_output(t);
	else if ((rows[OUTPUT].revents & (POLLERR | POLLHUP)) != 0)
		stop(t, TRANSFER_UNREAD, EPIPE);
	if (rows[SERVER].revents != 0 && (rows[SERVER].events & POLLOUT) != 0)
		send_input(t);
	if (rows[SERVER].revents != 0 && (rows[SERVER].events & POLLIN) != 0)
		receive(t);
	if (rows[INPUT].revents != 0 && !t->input_ended)
		read_input(t);
}

/*
 * Whether nothing but the server is waited for: the input may be slow to come
 * and the output slow to go.
 */
static bool
waits_for_server(const struct transfer *t)
{
	return t->nunwritten == 0 && is_owed(t);
}

/* Waits once, and not for longer than the server may take. */
static int
wait_for_any(struct transfer *t, struct pollfd rows[NWATCHED])
{
	uint64_t now = sys_now();
	int wait = status_line_wait(&t->task->progress->line, now);
	if (!waits_for_server(t))
		return poll(rows, NWATCHED, wait);
	wait = patience_shorter(wait, patience_for_move(&t->patience, now));
	wait = patience_shorter(wait, patience_for_answer(&t->patience));
	int n = poll(rows, NWATCHED, wait);
	patience_count(&t->patience, now, sys_now(), wait);
	return n;
}

/* Ends it if the server has been waited for too long. */
static void
lose_patience(struct transfer *t, bool is_silent)
{
	if (!is_owed(t))
		t->patience.waited = 0;
	if (!waits_for_server(t) || t->server_ended)
		return;
	if (is_silent && patience_for_move(&t->patience, sys_now()) == 0)
		stop(t, TRANSFER_EXPIRED, 0);
	else if (patience_for_answer(&t->patience) == 0)
		stop(t, TRANSFER_OVERDUE, 0);
}

static void
step(struct transfer *t)
{
	half_close(t);
	offer_prompt(t);
	struct pollfd rows[NWATCHED];
	set_interest(t, rows);
	int n = wait_for_any(t, rows);
	if (n == -1 && errno != EINTR)
		stop(t, TRANSFER_SERVER_FAILED, errno);
	else if (n > 0)
		move(t, rows);
	lose_patience(t, n == 0);
	progress_show(t->task->progress, t->result->sent.bytes, sys_now());
}

/* A clean end proves nothing alone: a server may end its answer anywhere. */
static void
judge(struct transfer_result *result)
{
	if (result->outcome == TRANSFER_WHOLE &&
	    !tally_is_whole(&result->sent, &result->received))
		result->outcome = TRANSFER_SHORT;
}

static void
start(struct transfer *t)
{
	dialogue_start(&t->dialogue, t->task->is_dialogue);
	answer_start(&t->answer);
	invalid_start(&t->invalid, t->task->tells_invalid);
	tell_invalid(t, t->unsent, t->nunsent);
	if (t->task->input->fd == -1)
		end_input(t);
}

void
transfer_run(const struct transfer_task *task, struct transfer_result *result)
{
	struct transfer t = {
	    .task = task,
	    .result = result,
	    .unsent = task->text,
	    .nunsent = task->length,
	    .patience = {.move = task->timeout,
		.answer = task->answer_timeout,
		.moved = sys_now()},
	};
	*result = (struct transfer_result){.outcome = TRANSFER_WHOLE};
	start(&t);
	while (!t.stopped && !(t.server_ended && t.nunwritten == 0))
		step(&t);
	status_line_erase(&task->progress->line);
	const char *end = dialogue_end(&t.dialogue);
	if (end != NULL)
		(void)sys_write(task->output, end, strlen(end));
	judge(result);
}
