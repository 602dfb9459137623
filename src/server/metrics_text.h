/* SPDX-License-Identifier: ISC */
/*
 * How metrics are written: in the text format 0.0.4 of Prometheus, or as JSON.
 * Both have the same numbers under the same names.
 */
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metrics_format { METRICS_PROMETHEUS, METRICS_JSON };

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metrics_text {
	enum metrics_format format;
	char *bytes;
	size_t room, length;
	bool is_full;            /* something had no room */
	bool has_metric;         /* the metric is not the first */
	bool has_sample;         /* the same for a sample of the metric */
	const char *name, *kind; /* of the metric */
};

/* A name and its value, to tell samples of one metric apart. */
struct metric_label {
	const char *name, *value;
};

void metrics_text_begin(
    struct metrics_text *, enum metrics_format, char *bytes, size_t room);
void metrics_text_end(struct metrics_text *);

/* Begins a metric, whose samples are to follow, and ends it. */
void metrics_text_metric(struct metrics_text *, const char *name,
    enum metric_kind, const char *help);
void metrics_text_metric_end(struct metrics_text *);

/*
 * Writes a sample: what its name has behind that of the metric, mostly nothing,
 * n labels, and the value, which is in thousandths or millionths where the
 * scale is 1,000 or 1,000,000.
 */
void metrics_text_sample(struct metrics_text *, const char *suffix,
    const struct metric_label *, size_t n, uint64_t value, uint64_t scale);

#endif
