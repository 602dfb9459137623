/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/metrics_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const kinds[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

static void add(struct metrics_text *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What does not fit whole is left out, with all that follows. */
static void
add(struct metrics_text *text, const char *format, ...)
{
	size_t room = text->room - text->length;
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text->bytes + text->length, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		text->is_full = true;
	if (!text->is_full)
		text->length += (size_t)n;
}

/* The quoted form of both formats; they differ in what we do not have. */
static void
add_quoted(struct metrics_text *text, const char *value)
{
	add(text, "\"");
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			add(text, "\\");
		/* Names and versions have no control bytes. */
		add(text, "%c", (unsigned char)*value < ' ' ? ' ' : *value);
	}
	add(text, "\"");
}

void
metrics_text_begin(struct metrics_text *text, enum metrics_format format,
    char *bytes, size_t room)
{
	*text = (struct metrics_text){
	    .format = format,
	    .bytes = bytes,
	    .room = room,
	};
	if (format == METRICS_JSON)
		add(text, "{\"metrics\":[");
}

void
metrics_text_end(struct metrics_text *text)
{
	if (text->format == METRICS_JSON)
		add(text, "\n]}\n");
}

void
metrics_text_metric(struct metrics_text *text, const char *name,
    enum metric_kind kind, const char *help)
{
	text->name = name;
	text->kind = kinds[kind];
	text->has_sample = false;
	if (text->format == METRICS_PROMETHEUS) {
		add(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		    text->kind);
		return;
	}
	add(text, "%s\n{\"name\":\"%s\",\"type\":\"%s\",\"help\":",
	    text->has_metric ? "," : "", name, text->kind);
	add_quoted(text, help);
	add(text, ",\"samples\":[");
	text->has_metric = true;
}

void
metrics_text_metric_end(struct metrics_text *text)
{
	if (text->format == METRICS_JSON)
		add(text, "]}");
}

static void
add_labels(
    struct metrics_text *text, const struct metric_label *labels, size_t n)
{
	bool is_json = text->format == METRICS_JSON;
	if (n == 0 && !is_json)
		return;
	add(text, "{");
	for (size_t i = 0; i < n; i++) {
		add(text, is_json ? "%s\"%s\":" : "%s%s=", i == 0 ? "" : ",",
		    labels[i].name);
		add_quoted(text, labels[i].value);
	}
	add(text, "}");
}

static void
add_value(struct metrics_text *text, uint64_t value, uint64_t scale)
{
	if (scale == 1)
		add(text, "%" PRIu64, value);
	else
		add(text, "%" PRIu64 ".%0*" PRIu64, value / scale,
		    scale == 1000 ? 3 : 6, value % scale);
}

void
metrics_text_sample(struct metrics_text *text, const char *suffix,
    const struct metric_label *labels, size_t n, uint64_t value, uint64_t scale)
{
	bool is_json = text->format == METRICS_JSON;
	if (is_json)
		add(text, "%s{\"name\":\"", text->has_sample ? "," : "");
	text->has_sample = true;
	add(text, "%s%s%s", text->name, suffix,
	    is_json ? "\",\"labels\":" : "");
	add_labels(text, labels, n);
	add(text, is_json ? ",\"value\":" : " ");
	add_value(text, value, scale);
	add(text, is_json ? "}" : "\n");
}
