/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/results.h"

#include "base/printable.h"
#include "bench/ticks.h"

#include <inttypes.h>
#include <stdbool.h>

static const struct {
	const char *name;    /* in a key: p99_9 */
	const char *label;   /* for people: p99.9 */
	uint32_t millionths; /* of histogram_quantile */
} latencies[] = {
    {"min", "min", 0},
    {"p50", "p50", 500000},
    {"p90", "p90", 900000},
    {"p99", "p99", 990000},
    {"p99_9", "p99.9", 999000},
    {"max", "max", HISTOGRAM_ALL},
};

enum { NLATENCIES = sizeof latencies / sizeof latencies[0] };

/* In microseconds. */
static double
latency(const struct run_result *result, size_t i)
{
	return (double)histogram_quantile(
		   &result->latencies, latencies[i].millionths) /
	       1000;
}

static double
seconds(uint64_t ticks)
{
	return (double)ticks / (double)TICKS_PER_S;
}

static double
each_second(const struct run_result *result, uint64_t n)
{
	return result->elapsed == 0 ? 0 : (double)n / seconds(result->elapsed);
}

static const char *
truth(bool value)
{
	return value ? "true" : "false";
}

static void
write_errors(FILE *out, const struct errors *errors)
{
	(void)fprintf(out, "errors        ");
	for (int i = 0; i < ERROR_KINDS; i++)
		(void)fprintf(out, "%s%" PRIu64 " %s", i == 0 ? "" : ", ",
		    errors->counts[i], errors_name((enum error_kind)i));
	(void)fputc('\n', out);
}

static void
write_text(FILE *out, const struct run_result *result)
{
	const struct bench_options *options = result->options;
	/* The name of an interface may be in it. */
	char server[PRINTABLE_MAX];
	(void)fprintf(out, "mode          %s to %s\n",
	    bench_mode_name(options->mode), printable(result->server, server));
	(void)fprintf(out, "connections   %zu, %zu bytes a message",
	    options->connections, result->size);
	if (options->depth > 1)
		(void)fprintf(out, ", %zu under way", options->depth);
	(void)fputc('\n', out);
	if (options->streams > 0)
		(void)fprintf(out, "streams       %zu\n", options->streams);
	(void)fprintf(out, "established   %" PRIu64 " connections\n",
	    result->established);
	(void)fprintf(out, "measured      %.3f seconds, %s\n",
	    seconds(result->elapsed),
	    result->is_complete ? "complete" : "not complete");
	(void)fprintf(out, "messages      %" PRIu64 ", %.1f a second\n",
	    result->messages, each_second(result, result->messages));
	(void)fprintf(out,
	    "bytes         %" PRIu64 " sent, %" PRIu64 " received; %s %.2f "
	    "MB/s\n",
	    result->sent, result->received,
	    options->streams > 0 ? "of streams" : "received",
	    each_second(result, result->streamed) / 1e6);
	if (result->latencies.n > 0) {
		(void)fprintf(out, "latency, us   ");
		for (size_t i = 0; i < NLATENCIES; i++)
			(void)fprintf(out, "%s%s %.1f", i == 0 ? "" : ", ",
			    latencies[i].label, latency(result, i));
		(void)fputc('\n', out);
	}
	write_errors(out, &result->errors);
}

static void
write_csv(FILE *out, const struct run_result *result)
{
	const struct bench_options *options = result->options;
	(void)fprintf(out,
	    "mode,connections,streams,size,depth,rate,seconds,established,"
	    "messages,bytes_sent,bytes_received,messages_per_second,"
	    "bytes_per_second");
	for (size_t i = 0; i < NLATENCIES; i++)
		(void)fprintf(out, ",latency_us_%s", latencies[i].name);
	for (int i = 0; i < ERROR_KINDS; i++)
		(void)fprintf(
		    out, ",errors_%s", errors_name((enum error_kind)i));
	(void)fprintf(out,
	    ",complete\n%s,%zu,%zu,%zu,%zu,%" PRIu64 ",%.6f,%" PRIu64
	    ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.3f,%.3f",
	    bench_mode_name(options->mode), options->connections,
	    options->streams, result->size, options->depth, options->rate,
	    seconds(result->elapsed), result->established, result->messages,
	    result->sent, result->received,
	    each_second(result, result->messages),
	    each_second(result, result->streamed));
	for (size_t i = 0; i < NLATENCIES; i++) {
		(void)fputc(',', out);
		if (result->latencies.n > 0)
			(void)fprintf(out, "%.3f", latency(result, i));
	}
	for (int i = 0; i < ERROR_KINDS; i++)
		(void)fprintf(out, ",%" PRIu64, result->errors.counts[i]);
	(void)fprintf(out, ",%s\n", truth(result->is_complete));
}

/* The buckets that have latencies: the bounds of each, and how many. */
static void
write_buckets(FILE *out, const struct histogram *histogram)
{
	uint64_t seen = 0;
	for (size_t i = 0; seen < histogram->n; i++) {
		if (histogram->counts[i] == 0)
			continue;
		(void)fprintf(out, "%s[%" PRIu64 ", %" PRIu64 ", %" PRIu64 "]",
		    seen == 0 ? "" : ", ", histogram_lowest(i),
		    histogram_highest(i), histogram->counts[i]);
		seen += histogram->counts[i];
	}
}

static void
write_json(FILE *out, const struct run_result *result)
{
	const struct bench_options *options = result->options;
	(void)fprintf(out,
	    "{\"mode\": \"%s\", \"connections\": %zu, \"streams\": %zu, "
	    "\"size\": %zu, \"depth\": %zu, \"rate\": %" PRIu64
	    ", \"began\": %.6f, \"seconds\": %.6f, \"established\": %" PRIu64
	    ", \"messages\": %" PRIu64 ", \"bytes_sent\": %" PRIu64
	    ", \"bytes_received\": %" PRIu64 ", \"messages_per_second\": %.3f"
	    ", \"bytes_per_second\": %.3f, \"latency_us\": {",
	    bench_mode_name(options->mode), options->connections,
	    options->streams, result->size, options->depth, options->rate,
	    seconds(result->began), seconds(result->elapsed),
	    result->established, result->messages, result->sent,
	    result->received, each_second(result, result->messages),
	    each_second(result, result->streamed));
	for (size_t i = 0; i < NLATENCIES; i++) {
		(void)fprintf(
		    out, "%s\"%s\": ", i == 0 ? "" : ", ", latencies[i].name);
		if (result->latencies.n > 0)
			(void)fprintf(out, "%.3f", latency(result, i));
		else
			(void)fprintf(out, "null");
	}
	(void)fprintf(out, "}, \"latency_buckets_ns\": [");
	write_buckets(out, &result->latencies);
	(void)fprintf(out, "], \"errors\": {");
	for (int i = 0; i < ERROR_KINDS; i++)
		(void)fprintf(out, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ",
		    errors_name((enum error_kind)i), result->errors.counts[i]);
	(void)fprintf(
	    out, "}, \"complete\": %s}\n", truth(result->is_complete));
}

void
results_write(FILE *out, const struct run_result *result)
{
	switch (result->options->format) {
	case BENCH_TEXT:
		write_text(out, result);
		break;
	case BENCH_CSV:
		write_csv(out, result);
		break;
	case BENCH_JSON:
		write_json(out, result);
		break;
	}
}
