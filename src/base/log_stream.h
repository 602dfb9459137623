/* SPDX-License-Identifier: ISC */
/*
 * The stream of the log, which is standard error: a line goes there whole, or
 * not at all, and no thread waits for who reads it.
 *
 * A terminal, a pipe or a FIFO is opened a second time, so that descriptor 2 is
 * a description of our own, which does not block.  O_NONBLOCK is never set on
 * the one that was inherited: the programs that share it do not expect that.
 * Nor does a socket need it, where each call can say so.  A file or a device
 * other than a terminal is written to as it is.  It takes what it is given, and
 * programs that share the place in a file, as with "2>file", must go on to.
 *
 * What cannot be opened again is asked by poll(2) before each write: a terminal
 * or pipe of another account, one without a name where there is no /proc, the
 * master of a terminal.  A pipe that says yes takes a line, and a terminal some
 * bytes, so it gets no more at a time.  Then a write can wait in one case only:
 * when another program fills the same pipe or terminal after the question.
 *
 * One thread writes at a time.  It holds up the others for no longer than
 * writing takes.  Where that does not return (a file on a dead server) it is
 * the only one that is lost: the others wait for a second at most, once, and
 * from then on their lines are left out.
 */
#ifndef LOG_STREAM_H
#define LOG_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/* Room for a line and for one before it that tells of those left out. */
#define LOG_STREAM_MAX 1024

/* To be called before there are threads, and with rights to the stream. */
void log_stream_open(void);

/* True when people read the lines as they come. */
bool log_stream_is_terminal(void);

/*
 * Makes the caller the one that writes, until it releases the stream; false if
 * another does and does not come to an end.
 */
bool log_stream_claim(void);
void log_stream_release(void);

/*
 * Writes whole lines, at most LOG_STREAM_MAX bytes.  If the stream takes only a
 * part, that is taken back (a file), or what is missing is kept and goes before
 * what is written next.  False, with nothing written, if all is left out.
 */
bool log_stream_write(const char *lines, size_t length);

#endif
