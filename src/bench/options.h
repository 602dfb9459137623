/* SPDX-License-Identifier: ISC */
/* The command line of upcbench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "bench/text.h"
#include "config/cli.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_mode {
	BENCH_PING_PONG,
	BENCH_STREAM,
	BENCH_CHURN,
	BENCH_IDLE,
	BENCH_MIXED
};

enum bench_format { BENCH_TEXT, BENCH_CSV, BENCH_JSON };

/* All options but --version and --help. */
extern const struct option_row bench_rows[];

/*
 * Numbers are 0, and texts empty, where they were not given and mean nothing:
 * the depth of a stream, the size of messages that are a whole file.
 */
struct bench_options {
	struct address server;
	enum bench_mode mode;
	size_t connections, streams, size, depth;
	char text[4096];        /* a file */
	uint32_t time, warm_up; /* ms */
	uint64_t count, rate;
	uint32_t timeout;        /* ms */
	uint32_t answer_timeout; /* ms; 0: none */
	enum text_answer answer;
	enum bench_format format;
	const char *backend;
	bool no_progress;
};

/* The size of a write in stream, where none is given. */
#define BENCH_STREAM_SIZE ((size_t)64 * 1024)

const char *bench_mode_name(enum bench_mode);

/* Fills in the defaults and reads argv. */
enum cli_outcome bench_options_read(
    struct bench_options *, int argc, char **argv);

#endif
