/* SPDX-License-Identifier: ISC */
/*
 * The stream of the log, which is standard error: a line goes there whole or
 * not at all, and no thread waits for its reader.
 *
 * A terminal, a pipe or a FIFO is opened a second time, so that descriptor 2 is
 * an open file of our own, which does not block.  O_NONBLOCK is never set on
 * the inherited one, because programs that share it do not expect that.  A
 * socket does not need it, since each send can ask not to block.  A file, or a
 * device other than a terminal, is written to as it is: it takes what it is
 * given.  And programs that share the offset in a file, as with "2>file", must
 * go on sharing it.
 *
 * Some streams cannot be opened again: a terminal or pipe of another account,
 * one without a name where there is no /proc, the master of a terminal.  They
 * are asked by poll(2) before each write.  A pipe with room takes a whole line,
 * and a terminal with room takes some bytes, so they get no more than that at a
 * time.  A write waits then only if another program fills the same pipe or
 * terminal between the question and the write.
 *
 * One thread writes at a time, and the others wait until it is done.  If its
 * write never returns (a file on a dead server), only that thread is lost.  The
 * others wait once, for about a second, and leave out their lines from then on.
 */
#ifndef LOG_STREAM_H
#define LOG_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/* Room for a line, and for one before it on those that were left out. */
#define LOG_STREAM_MAX 1024

/* To be called before there are threads, and with rights to the stream. */
void log_stream_open(void);

/* True for a terminal, where people read the lines as they come. */
bool log_stream_is_terminal(void);

/*
 * Makes the caller the only one that writes, until it releases the stream.
 * False if another thread writes and does not come to an end.
 */
bool log_stream_claim(void);
void log_stream_release(void);

/*
 * Writes whole lines, at most LOG_STREAM_MAX bytes.  If the stream takes only a
 * part, that is removed again (from a file), or the rest is kept and goes
 * before what is written next.  False if all of it is left out.
 */
bool log_stream_write(const char *lines, size_t length);

#endif
