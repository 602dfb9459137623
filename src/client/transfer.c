/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/transfer.h"

#include "base/sys.h"

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
	/* A pipe that poll(2) calls writable takes this much without a wait. */
	WRITE_MAX = PIPE_BUF
};

static const char prompt[] = "Enter a string: ";

/* The rows of the array for poll(2). */
enum { INPUT, SERVER, OUTPUT, NWATCHED };

struct transfer {
	const struct transfer_task *task;
	struct transfer_result *result;
	const char *unsent; /* what is left to send */
	size_t nunsent;
	const char *unwritten; /* what is left to print */
	size_t nunwritten;
	uint64_t moved; /* ms, when a byte last went anywhere */
	bool input_ended;
	bool shut;         /* nothing is sent any more */
	bool server_ended; /* nothing comes any more */
	bool stopped;      /* going on makes no sense */
	bool prompted;     /* the prompt stands before the next line */
	bool midline;      /* the text has an unfinished line */
	char last_shown;   /* on the terminal of a dialogue */
	char from_input[BUFFER_SIZE];
	char from_server[BUFFER_SIZE];
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

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
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
		fail(t, TRANSFER_OUTPUT_FAILED, errno);
		t->stopped = true;
		return;
	}
	if (written > 0)
		t->last_shown = t->unwritten[written - 1];
	t->unwritten += written;
	t->nunwritten -= (size_t)written;
	t->moved = sys_now();
}

static void
stop_sending(struct transfer *t)
{
	t->input_ended = true;
	t->shut = true;
	t->nunsent = 0;
}

static void
receive(struct transfer *t)
{
	ssize_t got =
	    sys_recv(t->task->server, t->from_server, sizeof t->from_server);
	if (got == -1 && would_block())
		return;
	if (got > 0) {
		t->unwritten = t->from_server;
		t->nunwritten = (size_t)got;
		tally_add(&t->result->received, t->from_server, (size_t)got);
		return;
	}
	if (got == -1)
		fail(t, TRANSFER_SERVER_FAILED, errno);
	else if (!t->shut)
		fail(t, TRANSFER_ENDED, 0);
	t->server_ended = true;
	stop_sending(t);
}

static void
send_input(struct transfer *t)
{
	ssize_t sent = sys_send(t->task->server, t->unsent, t->nunsent);
	if (sent == -1 && would_block())
		return;
	t->moved = sys_now();
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

static void
read_input(struct transfer *t)
{
	ssize_t got =
	    sys_read(t->task->input, t->from_input, sizeof t->from_input);
	if (got == -1 && would_block())
		return;
	t->moved = sys_now();
	if (got <= 0) {
		if (got == -1)
			fail(t, TRANSFER_INPUT_FAILED, errno);
		t->input_ended = true;
		return;
	}
	t->unsent = t->from_input;
	t->nunsent = (size_t)got;
	/* The terminal has shown what its user typed. */
	t->last_shown = t->from_input[got - 1];
	t->midline = t->last_shown != '\n';
	t->prompted = false;
}

static void
half_close(struct transfer *t)
{
	if (t->shut || !t->input_ended || t->nunsent > 0)
		return;
	/* Where it fails there is no connection, and receiving says why. */
	(void)sys_shutdown(t->task->server);
	t->shut = true;
}

static void
offer_prompt(struct transfer *t)
{
	if (!t->task->is_dialogue || t->prompted || t->midline ||
	    t->input_ended || !is_answered(t))
		return;
	t->unwritten = prompt;
	t->nunwritten = strlen(prompt);
	t->prompted = true;
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
	watch(&rows[INPUT], t->task->input, reads ? POLLIN : 0);
	watch(&rows[SERVER], t->task->server,
	    (short)((sends ? POLLOUT : 0) | (receives ? POLLIN : 0)));
	watch(&rows[OUTPUT], t->task->output, writes ? POLLOUT : 0);
}

/* Errors and hang-ups are events too; the call that follows says which. */
static void
move(struct transfer *t, const struct pollfd rows[NWATCHED])
{
	if (rows[OUTPUT].revents != 0 && t->nunwritten > 0)
		write_output(t);
	if (rows[SERVER].revents != 0 && (rows[SERVER].events & POLLOUT) != 0)
		send_input(t);
	if (rows[SERVER].revents != 0 && (rows[SERVER].events & POLLIN) != 0)
		receive(t);
	if (rows[INPUT].revents != 0 && !t->input_ended)
		read_input(t);
}

/*
 * Milliseconds until the server is late, or -1 when nothing is expected of
 * it: the input may be slow to come and the output slow to go.
 */
static int
time_left(const struct transfer *t, uint64_t now)
{
	bool waits = t->nunwritten == 0 &&
		     (t->nunsent > 0 || t->shut || !is_answered(t));
	if (!waits || t->task->timeout == 0)
		return -1;
	uint64_t deadline = t->moved + t->task->timeout;
	return now < deadline ? (int)(deadline - now) : 0;
}

static void
step(struct transfer *t)
{
	half_close(t);
	offer_prompt(t);
	struct pollfd rows[NWATCHED];
	set_interest(t, rows);
	uint64_t now = sys_now();
	int wait = time_left(t, now);
	int redraw = status_line_wait(&t->task->progress->line, now);
	if (wait == -1 || (redraw != -1 && redraw < wait))
		wait = redraw;
	int n = poll(rows, NWATCHED, wait);
	if (n == -1 && errno != EINTR) {
		fail(t, TRANSFER_SERVER_FAILED, errno);
		t->stopped = true;
	} else if (n > 0) {
		move(t, rows);
	} else if (time_left(t, sys_now()) == 0) {
		fail(t, TRANSFER_EXPIRED, 0);
		t->stopped = true;
	}
	progress_show(t->task->progress, t->result->sent.bytes, sys_now());
}

/* A clean end proves nothing alone: a server may end its answer anywhere. */
static void
judge(struct transfer_result *result)
{
	if (result->outcome != TRANSFER_WHOLE)
		return;
	switch (tally_compare(&result->sent, &result->received)) {
	case TALLY_WHOLE:
		break;
	case TALLY_SHORT:
		result->outcome = TRANSFER_SHORT;
		break;
	case TALLY_FOREIGN:
		result->outcome = TRANSFER_FOREIGN;
		break;
	}
}

void
transfer_run(const struct transfer_task *task, struct transfer_result *result)
{
	struct transfer t = {
	    .task = task,
	    .result = result,
	    .unsent = task->text,
	    .nunsent = task->length,
	    .input_ended = task->input == -1,
	    .moved = sys_now(),
	    .last_shown = '\n',
	};
	*result = (struct transfer_result){.outcome = TRANSFER_WHOLE};
	while (!t.stopped && !(t.server_ended && t.nunwritten == 0))
		step(&t);
	status_line_erase(&task->progress->line);
	/* What the terminal shows next starts on a line of its own. */
	if (task->is_dialogue && t.last_shown != '\n')
		(void)sys_write(task->output, "\n", 1);
	judge(result);
}
