/* SPDX-License-Identifier: ISC */
/* The results of the load tool: the same figures in each of its forms. */
#include "config.h"

#include "bench/results.h"
#include "unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bench_options options;
static struct run_result result;

static void
prepare(void)
{
	options = (struct bench_options){
	    .mode = BENCH_MIXED,
	    .connections = 3,
	    .streams = 2,
	    .depth = 4,
	    .rate = 1000,
	};
	result = (struct run_result){
	    .options = &options,
	    .server = "127.0.0.1:5220",
	    .size = 64,
	    .began = UINT64_C(7250000000),
	    .elapsed = UINT64_C(2500000000),
	    .messages = 4,
	    .sent = 1000,
	    .received = 2000,
	    .streamed = 1500,
	    .established = 5,
	    .is_complete = true,
	    .errors.counts = {1, 2, 3, 4, 5, 6},
	};
	histogram_clear(&result.latencies);
	for (uint64_t us = 1; us <= 4; us++)
		histogram_add(&result.latencies, us * 1000);
}

static const char *
written(enum bench_format format)
{
	static char text[65536];
	options.format = format;
	FILE *file = fmemopen(text, sizeof text, "w");
	ck_assert_ptr_nonnull(file);
	results_write(file, &result);
	ck_assert_int_eq(ferror(file), 0);
	ck_assert_int_eq(fclose(file), 0);
	return text;
}

START_TEST(the_text_has_a_line_for_each_figure)
{
	ck_assert_str_eq(written(BENCH_TEXT),
	    "mode          mixed to 127.0.0.1:5220\n"
	    "connections   3, 64 bytes a message, 4 under way\n"
	    "streams       2\n"
	    "established   5 connections\n"
	    "measured      2.500 seconds, complete\n"
	    "messages      4, 1.6 a second\n"
	    "bytes         1000 sent, 2000 received; of streams 0.00 MB/s\n"
	    "latency, us   min 1.0, p50 2.0, p90 4.0, p99 4.0, p99.9 4.0, "
	    "max 4.0\n"
	    "errors        1 wrong, 2 lost, 3 extra, 4 closed, 5 refused, "
	    "6 timeout\n");
}
END_TEST

START_TEST(json_has_the_same_figures)
{
	ck_assert_str_eq(written(BENCH_JSON),
	    "{\"mode\": \"mixed\", \"connections\": 3, \"streams\": 2, "
	    "\"size\": 64, \"depth\": 4, \"rate\": 1000, "
	    "\"began\": 7.250000, \"seconds\": 2.500000, "
	    "\"established\": 5, \"messages\": 4, "
	    "\"bytes_sent\": 1000, \"bytes_received\": 2000, "
	    "\"messages_per_second\": 1.600, \"bytes_per_second\": 600.000, "
	    "\"latency_us\": {\"min\": 1.000, \"p50\": 2.003, "
	    "\"p90\": 4.000, \"p99\": 4.000, \"p99_9\": 4.000, "
	    "\"max\": 4.000}, "
	    "\"latency_buckets_ns\": [[1000, 1003, 1], [2000, 2007, 1], "
	    "[2992, 3007, 1], [4000, 4015, 1]], \"errors\": {\"wrong\": 1, \"lost\": 2, "
	    "\"extra\": 3, \"closed\": 4, \"refused\": 5, \"timeout\": 6}, "
	    "\"complete\": true}\n");
}
END_TEST

START_TEST(csv_has_the_same_figures_below_their_names)
{
	ck_assert_str_eq(written(BENCH_CSV),
	    "mode,connections,streams,size,depth,rate,seconds,established,"
	    "messages,bytes_sent,bytes_received,messages_per_second,"
	    "bytes_per_second,latency_us_min,latency_us_p50,latency_us_p90,"
	    "latency_us_p99,latency_us_p99_9,latency_us_max,errors_wrong,"
	    "errors_lost,errors_extra,errors_closed,errors_refused,"
	    "errors_timeout,complete\n"
	    "mixed,3,2,64,4,1000,2.500000,5,4,1000,2000,1.600,600.000,1.000,"
	    "2.003,4.000,4.000,4.000,4.000,1,2,3,4,5,6,true\n");
}
END_TEST

START_TEST(without_latencies_and_time_nothing_is_made_up)
{
	histogram_clear(&result.latencies);
	result.elapsed = 0;
	result.is_complete = false;
	const char *text = written(BENCH_TEXT);
	ck_assert_ptr_null(strstr(text, "latency"));
	ck_assert_ptr_nonnull(strstr(text, "0.000 seconds, not complete\n"));
	ck_assert_ptr_nonnull(strstr(text, "4, 0.0 a second\n"));
	ck_assert_ptr_nonnull(strstr(written(BENCH_JSON),
	    "{\"min\": null, \"p50\": null, \"p90\": null, \"p99\": null, "
	    "\"p99_9\": null, \"max\": null}, \"latency_buckets_ns\": []"));
	ck_assert_ptr_nonnull(strstr(
	    written(BENCH_CSV), ",0.000,0.000,,,,,,,1,2,3,4,5,6,false\n"));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("results");
	TCase *results = tcase_create("results");
	tcase_add_checked_fixture(results, prepare, NULL);
	tcase_add_test(results, the_text_has_a_line_for_each_figure);
	tcase_add_test(results, json_has_the_same_figures);
	tcase_add_test(results, csv_has_the_same_figures_below_their_names);
	tcase_add_test(results, without_latencies_and_time_nothing_is_made_up);
	suite_add_tcase(suite, results);
	return suite;
}
