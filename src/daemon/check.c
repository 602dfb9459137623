/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/check.h"

#include "base/printable.h"
#include "base/streams.h"
#include "base/sys.h"
#include "daemon/bind.h"
#include "daemon/privileges.h"
#include "daemon/resolve.h"
#include "server/kernel_buffers.h"
#include "server/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static void
print_origin(const struct daemon_choice *choice, bool is_given, unsigned line)
{
	char shown[PRINTABLE_MAX];
	if (is_given)
		printf("# command line\n");
	else if (line != 0)
		printf("# %s:%u\n", printable(choice->options.config, shown),
		    line);
	else
		printf("# default\n");
}

/* The line of a value, of which a list has several. */
static unsigned
line_of(const struct daemon_choice *choice, size_t row, size_t i)
{
	return daemon_rows[row].field.places != 0 ? choice->listen_lines[i]
						  : choice->lines[row];
}

static void
print_row(const struct daemon_choice *choice,
    const struct daemon_arguments *arguments, size_t i)
{
	const struct option_row *row = &daemon_rows[i];
	char text[OPTION_TEXT_MAX];
	printf("\n");
	if (!option_print(row, &choice->options, 0, text)) {
		print_origin(choice, false, 0);
		printf("# %s = (%s)\n", row->name, row->otherwise);
		return;
	}
	for (size_t k = 0; option_print(row, &choice->options, k, text); k++) {
		print_origin(
		    choice, arguments->given[i], line_of(choice, i, k));
		printf("%s = %s\n", row->name, text);
	}
}

/* What all of it can cost, for the limit of descriptors that there is here. */
static void
print_costs(const struct daemon_choice *choice)
{
	const struct settings *settings = &choice->settings;
	struct limits limits;
	struct sys_descriptors descriptors;
	struct kernel_buffers_held held;
	if (limits_decide(&limits, settings, 0, &descriptors) == -1) {
		printf("\n# The limit of %zu descriptors, which there is here, "
		       "allows only\n# %zu connections.\n",
		    descriptors.limit, limits.connections);
		return;
	}
	kernel_buffers_measure(settings, &held);
	size_t nlarge =
	    kernel_buffers_large(settings->workers) * settings->workers;
	uint64_t kernel = (uint64_t)limits.connections * held.small +
			  (uint64_t)nlarge * held.large;
	printf("\n# With %u worker%s and the limit of %zu descriptors, which "
	       "there is here:\n"
	       "# at most %zu connections, for which it needs at most\n"
	       "# %" PRIu64 " KiB of memory of its own and about %" PRIu64
	       " KiB of the kernel's,\n"
	       "# %" PRIu64 " KiB in all.\n",
	    settings->workers, settings->workers == 1 ? "" : "s",
	    descriptors.limit, limits.connections, limits.memory / 1024,
	    kernel / 1024, (limits.memory + kernel) / 1024);
}

/* What this account may not choose the daemon's may. */
static int
check_congestion(const struct daemon_choice *choice)
{
	const char *name = choice->settings.congestion;
	if (name[0] != '\0' && transport_check_congestion(name) == -1 &&
	    errno == EPERM)
		return 0;
	return bind_check_congestion(choice, false);
}

static void
print_file(const struct daemon_choice *choice)
{
	if (!choice->has_file) {
		printf("# No file was read; the usual one is %s.\n",
		    daemon_config_default);
		return;
	}
	char shown[PRINTABLE_MAX];
	printf("# %s was read.\n", printable(choice->options.config, shown));
}

int
check_choice(const struct daemon_choice *choice,
    const struct daemon_arguments *arguments)
{
	struct resolved resolved;
	int status = resolve_addresses(&resolved, choice);
	resolved_free(&resolved);
	if (status == 0) {
		status = resolve_metrics(&resolved, choice);
		resolved_free(&resolved);
	}
	if (status == 0)
		status = privileges_check(choice->options.user);
	if (status == 0)
		status = check_congestion(choice);
	if (status != 0)
		return status;
	print_file(choice);
	for (size_t i = 0; daemon_rows[i].name != NULL; i++) {
		if (!daemon_rows[i].is_argument)
			print_row(choice, arguments, i);
	}
	print_costs(choice);
	return streams_end_output();
}
