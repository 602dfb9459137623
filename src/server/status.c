/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/status.h"

#include "base/log.h"
#include "base/process.h"
#include "base/sys.h"
#include "server/limits.h"
#include "upcase.h"
#include "upcase/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct status {
	struct loop *loop;
	const struct settings *settings;
	struct status_owner owner;
	struct listeners listeners;
	struct counters counters; /* of those listeners */
	char own_name[HTTP_HOST_MAX];
	bool is_open; /* there is memory for clients */
	struct http_server http;
};

/* Answers with a metrics format, where all of it has room. */
static void
answer_metrics(struct status *status, enum metrics_format format,
    struct http_answer *answer)
{
	struct metrics_figures figures = {
	    .log_dropped = log_dropped(),
	    .version = PACKAGE_VERSION,
	    .backend = loop_backend(status->loop),
	    .kernel = upcase_kernel_in_use(),
	    .unicode = upcase_unicode(),
	    .http = &status->http,
	};
	status->owner.measure(&figures, status->owner.arg);
	process_figures_read(&figures.process);
	answer->type = format == METRICS_JSON
			   ? "application/json"
			   : "text/plain; version=0.0.4; charset=utf-8";
	answer->length =
	    metrics_write(&figures, format, answer->body, answer->room);
	if (answer->length == 0) {
		answer->status = 500;
		answer->type = "text/plain; charset=utf-8";
	}
}

static void
answer_prometheus(struct status *status, struct http_answer *answer)
{
	answer_metrics(status, METRICS_PROMETHEUS, answer);
}

static void
answer_json(struct status *status, struct http_answer *answer)
{
	answer_metrics(status, METRICS_JSON, answer);
}

/* That there is an answer is the answer. */
static void
answer_health(struct status *status, struct http_answer *answer)
{
	(void)status, (void)answer;
}

static void
answer_readiness(struct status *status, struct http_answer *answer)
{
	struct metrics_figures figures = {.drains = false};
	status->owner.measure(&figures, status->owner.arg);
	if (figures.drains)
		answer->status = 503;
}

static const struct page {
	const char *path;
	void (*answer)(struct status *, struct http_answer *);
} pages[] = {
    {"/metrics", answer_prometheus},
    {"/status.json", answer_json},
    {"/healthz", answer_health},
    {"/readyz", answer_readiness},
};

static void
answer(
    const struct http_request *request, struct http_answer *answer, void *arg)
{
	struct status *status = arg;
	/* A client of HTTP/1.0 need not name a host; no browser is one. */
	bool has_host =
	    request->has_authority || request->seen[HTTP_HEADER_HOST];
	if (has_host)
		answer->status =
		    http_host_check(request->host, status->own_name);
	if (answer->status != 200)
		return;
	for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
		if (strcmp(request->target, pages[i].path) == 0) {
			pages[i].answer(status, answer);
			return;
		}
	}
	answer->status = 404;
}

void
status_work(struct status *status)
{
	http_server_release(&status->http);
	listeners_accept(&status->listeners);
	listeners_resume(&status->listeners);
}

static void
call_for_work(void *arg)
{
	struct status *status = arg;
	status->owner.due(status->owner.arg);
}

static bool
may_accept(void *arg)
{
	struct status *status = arg;
	return status->is_open && http_server_has_place(&status->http);
}

static void
serve(const struct handoff *handoff, void *arg)
{
	struct status *status = arg;
	http_server_start(&status->http, handoff->fd);
}

struct status *
status_open(struct loop *loop, const struct settings *settings,
    const struct status_owner *owner)
{
	struct status *status = calloc(1, sizeof *status);
	if (status == NULL)
		return NULL;
	status->loop = loop;
	status->settings = settings;
	status->owner = *owner;
	listeners_init(&status->listeners, loop, settings, &status->counters,
	    &(struct listeners_owner){.may_accept = may_accept,
		.accepted = serve,
		.noted = call_for_work,
		.limit = "the metrics have as many clients as they can, more "
			 "wait",
		.arg = status});
	return status;
}

void
status_close(struct status *status)
{
	if (status == NULL)
		return;
	listeners_close(&status->listeners);
	if (status->is_open) {
		http_server_close(&status->http);
		process_figures_close();
	}
	free(status);
}

struct listeners *
status_listeners(struct status *status)
{
	return &status->listeners;
}

int
status_start(struct status *status)
{
	const struct settings *settings = status->settings;
	const struct http_server_owner owner = {answer, call_for_work, status};
	if (settings->metrics_host != NULL) {
		(void)snprintf(status->own_name, sizeof status->own_name, "%s",
		    settings->metrics_host);
		if (http_server_open(&status->http, status->loop,
			metrics_room(settings->workers), &owner) == -1)
			return -1;
		status->is_open = true;
		process_figures_open();
	}
	return listening_change(&status->listeners, LIMITS_BACKLOG_MIN);
}

void
status_leave(struct status *status)
{
	if (status->is_open)
		http_server_end(&status->http);
}
