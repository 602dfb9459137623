/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/log_latest.h"

#include <stdatomic.h>
#include <string.h>

/* Whoever finds it in use goes on without: nobody waits for a thread here. */
static atomic_flag in_use = ATOMIC_FLAG_INIT;
static char latest[LOG_LATEST_MAX];

void
log_latest_keep(const char *text, size_t n)
{
	if (atomic_flag_test_and_set(&in_use))
		return;
	n = n < LOG_LATEST_MAX ? n : LOG_LATEST_MAX - 1;
	memcpy(latest, text, n);
	latest[n] = '\0';
	atomic_flag_clear(&in_use);
}

void
log_latest_copy(char text[static LOG_LATEST_MAX])
{
	if (atomic_flag_test_and_set(&in_use))
		return;
	memcpy(text, latest, sizeof latest);
	atomic_flag_clear(&in_use);
}
