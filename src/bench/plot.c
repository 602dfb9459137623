/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/plot.h"

#include "bench/report.h"

#include <math.h>
#include <stdbool.h>

enum {
	WIDTH = 800,
	HEIGHT = 480,
	LEFT = 70,
	RIGHT = 30,
	TOP = 60,
	BOTTOM = 50,
	/* Percentiles with a line of their own: 0, 90, 99, 99.9 and so on. */
	NINES_MAX = 15
};

/* Where a chart puts what. */
struct plot {
	FILE *out;
	const struct histogram *latencies;
	double nines;       /* of the right edge; 2 is 99 % */
	double bottom, top; /* log10 of nanoseconds */
};

/* The place of the percentile that `left' of n times are above. */
static double
place_x(const struct plot *plot, double n, double left)
{
	double nines =
	    left * pow(10, plot->nines) > n ? log10(n / left) : plot->nines;
	return LEFT + (WIDTH - LEFT - RIGHT) * nines / plot->nines;
}

static double
place_y(const struct plot *plot, double nanoseconds)
{
	double part =
	    (log10(nanoseconds) - plot->bottom) / (plot->top - plot->bottom);
	return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part;
}

/* An address may have the name of an interface in it, which may be anything. */
static void
write_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			(void)fputs("&amp;", out);
		else if (*text == '<')
			(void)fputs("&lt;", out);
		else
			(void)fputc(*text, out);
	}
}

static void
write_head(FILE *out, const struct run_result *result)
{
	const struct bench_options *options = result->options;
	(void)fprintf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
	    "font-family=\"sans-serif\" font-size=\"12\">\n"
	    "<title>Latency by percentile</title>\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
	    "<text x=\"%d\" y=\"24\" font-size=\"16\">Latency of %s to ",
	    WIDTH, HEIGHT, LEFT, bench_mode_name(options->mode));
	write_escaped(out, result->server);
	(void)fprintf(out,
	    "</text>\n<text x=\"%d\" y=\"44\" fill=\"#555\">%zu connections, "
	    "%zu bytes a message, %.1f messages a second%s</text>\n",
	    LEFT, options->connections, result->size,
	    run_messages_per_second(result),
	    options->rate == 0 ? "" : ", at a given rate");
}

/* A line of the grid for each nine, and its percentile below. */
static void
write_percentiles(const struct plot *plot)
{
	double left = 1;
	for (int nine = 0; nine <= plot->nines; nine++) {
		double x = place_x(plot, 1, left);
		(void)fprintf(plot->out,
		    "<path d=\"M%.1f %dV%d\" stroke=\"#ddd\"/>\n"
		    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.*f "
		    "%%</text>\n",
		    x, TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18,
		    nine < 2 ? 0 : nine - 2, 100 - 100 * left);
		left /= 10;
	}
	(void)fprintf(plot->out,
	    "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" "
	    "fill=\"#555\">percentile of messages</text>\n",
	    (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10);
}

/* A line of the grid for each power of ten, and its time beside it. */
static void
write_times(const struct plot *plot)
{
	static const char *const units[] = {"ns", "\xc2\xb5s", "ms", "s"};
	for (int power = (int)plot->bottom; power <= plot->top; power++) {
		int unit = power / 3 < 3 ? power / 3 : 3;
		double y = place_y(plot, pow(10, power));
		(void)fprintf(plot->out,
		    "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n"
		    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f "
		    "%s</text>\n",
		    LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4,
		    pow(10, power - 3 * unit), units[unit]);
	}
}

/* The times of all buckets, with the greatest at the right edge. */
static void
write_curve(const struct plot *plot)
{
	const struct histogram *latencies = plot->latencies;
	double n = (double)latencies->n;
	uint64_t seen = 0;
	(void)fprintf(plot->out,
	    "<polyline fill=\"none\" stroke=\"#06c\" stroke-width=\"2\" "
	    "points=\"%.1f,%.1f",
	    place_x(plot, n, n), place_y(plot, (double)latencies->min));
	for (size_t i = 0; seen < latencies->n; i++) {
		if (latencies->counts[i] == 0)
			continue;
		seen += latencies->counts[i];
		uint64_t time = histogram_highest(i);
		if (time > latencies->max)
			time = latencies->max;
		(void)fprintf(plot->out, " %.1f,%.1f",
		    place_x(plot, n, (double)(latencies->n - seen)),
		    place_y(plot, (double)time));
	}
	(void)fprintf(plot->out, "\"/>\n");
}

/* The latencies of the report, on the curve. */
static void
write_marks(const struct plot *plot)
{
	double all = (double)HISTOGRAM_ALL;
	for (size_t i = 0; i < REPORT_LATENCIES; i++) {
		const struct report_latency *latency = &report_latencies[i];
		double time = (double)histogram_quantile(
		    plot->latencies, latency->millionths);
		double x = place_x(plot, all, all - latency->millionths);
		double y = place_y(plot, time);
		/* The first ones are at the left edge of the chart. */
		bool is_left = latency->millionths <= HISTOGRAM_ALL / 2;
		(void)fprintf(plot->out,
		    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#06c\"/>\n"
		    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s %.1f "
		    "\xc2\xb5s</text>\n",
		    x, y, is_left ? x + 8 : x - 6, is_left ? y + 4 : y - 8,
		    is_left ? "start" : "end", latency->label, time / 1000);
	}
}

/* Whole powers of ten around all times, and all nines that n messages have. */
static struct plot
make_plot(FILE *out, const struct histogram *latencies)
{
	struct plot plot = {.out = out, .latencies = latencies};
	double nines = log10((double)latencies->n);
	plot.nines = nines < 1 ? 1 : nines > NINES_MAX ? NINES_MAX : nines;
	plot.bottom = floor(log10((double)latencies->min));
	plot.top = floor(log10((double)latencies->max)) + 1;
	return plot;
}

void
plot_write(FILE *out, const struct run_result *result)
{
	write_head(out, result);
	/* A time of nothing has no logarithm; no exchange takes none. */
	if (result->latencies.n > 0 && result->latencies.min > 0) {
		struct plot plot = make_plot(out, &result->latencies);
		write_percentiles(&plot);
		write_times(&plot);
		write_curve(&plot);
		write_marks(&plot);
	}
	(void)fprintf(out, "</svg>\n");
}
