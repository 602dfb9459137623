/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/report.h"

#include "bench/ticks.h"

#include <inttypes.h>
#include <stdbool.h>

const struct report_latency report_latencies[REPORT_LATENCIES] = {
    {"min", "min", 0},
    {"p50", "p50", 500000},
    {"p90", "p90", 900000},
    {"p99", "p99", 990000},
    {"p99_9", "p99.9", 999000},
    {"max", "max", HISTOGRAM_ALL},
};

double
report_microseconds(uint64_t ticks)
{
	return (double)ticks / 1000;
}

static double
latency(const struct run_result *result, size_t i)
{
	return report_microseconds(histogram_quantile(
	    &result->latencies, report_latencies[i].millionths));
}

static double
seconds(const struct run_result *result)
{
	return (double)result->elapsed / (double)TICKS_PER_S;
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
	(void)fprintf(out, "mode          %s to %s\n",
	    bench_mode_name(options->mode), result->server);
	(void)fprintf(out, "connections   %zu, %zu bytes a message",
	    options->connections, result->size);
	if (options->depth > 1)
		(void)fprintf(out, ", %zu under way", options->depth);
	(void)fputc('\n', out);
	if (options->streams > 0)
		(void)fprintf(out, "streams       %zu\n", options->streams);
	(void)fprintf(out, "established   %" PRIu64 " connections\n",
	    result->established);
	(void)fprintf(out, "measured      %.3f seconds, %s\n", seconds(result),
	    result->is_complete ? "complete" : "not complete");
	(void)fprintf(out, "messages      %" PRIu64 ", %.1f a second\n",
	    result->messages, run_messages_per_second(result));
	(void)fprintf(out,
	    "bytes         %" PRIu64 " sent, %" PRIu64 " received; %s %.2f "
	    "MB/s\n",
	    result->sent, result->received,
	    options->streams > 0 ? "of streams" : "received",
	    run_bytes_per_second(result) / 1e6);
	if (result->latencies.n > 0) {
		(void)fprintf(out, "latency, us   ");
		for (size_t i = 0; i < REPORT_LATENCIES; i++)
			(void)fprintf(out, "%s%s %.1f", i == 0 ? "" : ", ",
			    report_latencies[i].label, latency(result, i));
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
	for (size_t i = 0; i < REPORT_LATENCIES; i++)
		(void)fprintf(out, ",latency_us_%s", report_latencies[i].name);
	for (int i = 0; i < ERROR_KINDS; i++)
		(void)fprintf(
		    out, ",errors_%s", errors_name((enum error_kind)i));
	(void)fprintf(out,
	    ",complete\n%s,%zu,%zu,%zu,%zu,%" PRIu64 ",%.6f,%" PRIu64
	    ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.3f,%.3f",
	    bench_mode_name(options->mode), options->connections,
	    options->streams, result->size, options->depth, options->rate,
	    seconds(result), result->established, result->messages,
	    result->sent, result->received, run_messages_per_second(result),
	    run_bytes_per_second(result));
	for (size_t i = 0; i < REPORT_LATENCIES; i++) {
		(void)fputc(',', out);
		if (result->latencies.n > 0)
			(void)fprintf(out, "%.3f", latency(result, i));
	}
	for (int i = 0; i < ERROR_KINDS; i++)
		(void)fprintf(out, ",%" PRIu64, result->errors.counts[i]);
	(void)fprintf(out, ",%s\n", truth(result->is_complete));
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
	    (double)result->began / (double)TICKS_PER_S, seconds(result),
	    result->established, result->messages, result->sent,
	    result->received, run_messages_per_second(result),
	    run_bytes_per_second(result));
	for (size_t i = 0; i < REPORT_LATENCIES; i++) {
		(void)fprintf(out, "%s\"%s\": ", i == 0 ? "" : ", ",
		    report_latencies[i].name);
		if (result->latencies.n > 0)
			(void)fprintf(out, "%.3f", latency(result, i));
		else
			(void)fprintf(out, "null");
	}
	(void)fprintf(out, "}, \"errors\": {");
	for (int i = 0; i < ERROR_KINDS; i++)
		(void)fprintf(out, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ",
		    errors_name((enum error_kind)i), result->errors.counts[i]);
	(void)fprintf(
	    out, "}, \"complete\": %s}\n", truth(result->is_complete));
}

void
report_write(FILE *out, const struct run_result *result)
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
