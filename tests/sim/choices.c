/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/choices.h"

#include "fake/kernel.h"
#include "sim/draw.h"
#include "sim/origins.h"

#include <sys/mman.h>

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

enum { WORKERS_MAX = 3 };

/* Of one page each. */
static struct settings *choices[2];
static unsigned in_force;
static bool is_shared; /* the other one may be in use as well */

static const uint32_t spans[] = {0, 20, 200, 2000, 60000};
static const uint32_t polls[] = {0, 0, 200};
static const size_t sizes[] = {4096, 65536};

static void
protect(unsigned i, int protection)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	kernel_must(mprotect(choices[i], page, protection) == 0,
	    "a page cannot be protected", -1);
}

static void
take_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (int i = 0; i < 2; i++) {
		void *taken = mmap(NULL, page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		kernel_must(taken != MAP_FAILED, "no memory for settings", -1);
		choices[i] = taken;
	}
}

const struct settings *
choices_begin(void)
{
	static const unsigned workers[] = {1, 1, 1, 2, 2, 3};
	if (choices[0] == NULL)
		take_pages();
	in_force = 0;
	is_shared = true;
	choices_settle();
	struct settings *settings = choices[0];
	protect(0, PROT_READ | PROT_WRITE);
	*settings = (struct settings){
	    .workers = DRAW_ONE_OF(workers),
	    .invalid = (enum upcase_invalid)draw(UPCASE_CLOSE + 1),
	    .max_connections = 1 + draw(20),
	    .idle_ms = DRAW_ONE_OF(spans),
	    .stall_ms = DRAW_ONE_OF(spans),
	    .drain_ms = DRAW_ONE_OF(spans),
	    .linger_ms = DRAW_ONE_OF(spans),
	    /* All are believed, or nobody is. */
	    .proxies = {{.kind = PREFIX_ALL}},
	    .nproxies = draw_chance(800),
	    .greeting_ms = 1 + (uint32_t)draw(3000),
	    .quiet_ms = 1 + (uint32_t)draw(1000),
	    .busy_poll_us = DRAW_ONE_OF(polls),
	    .send_buffer = DRAW_ONE_OF(sizes),
	    .receive_buffer = DRAW_ONE_OF(sizes),
	    .large_buffer = 1 << 20,
	};
	origins_choose(settings);
	size_t memory = draw_chance(700) ? SETTINGS_MEMORY_MIN : 1 << 20;
	settings->memory_limit = settings->workers * memory;
	return settings;
}

const struct settings *
choices_now(void)
{
	return choices[in_force];
}

/* Those that server_set may exchange; each stays more often than not. */
static void
change(struct settings *settings)
{
	uint32_t *times[] = {&settings->idle_ms, &settings->stall_ms,
	    &settings->drain_ms, &settings->linger_ms};
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		if (draw_chance(400))
			*times[i] = DRAW_ONE_OF(spans);
	}
	if (draw_chance(400))
		settings->invalid = (enum upcase_invalid)draw(UPCASE_CLOSE + 1);
	if (draw_chance(200))
		settings->busy_poll_us = DRAW_ONE_OF(polls);
	if (draw_chance(200))
		settings->send_buffer = DRAW_ONE_OF(sizes);
	if (draw_chance(200))
		settings->receive_buffer = DRAW_ONE_OF(sizes);
	origins_change(settings);
}

/* As much memory for each worker, so that what is served finds a place. */
static void
add_worker(struct settings *settings)
{
	size_t memory = settings->memory_limit / settings->workers;
	if (settings->workers < WORKERS_MAX)
		settings->workers++;
	settings->memory_limit = settings->workers * memory;
}

const struct settings *
choices_change(bool restarts)
{
	kernel_must(!is_shared, "settings are exchanged too early", -1);
	unsigned other = 1 - in_force;
	protect(other, PROT_READ | PROT_WRITE);
	*choices[other] = *choices[in_force];
	in_force = other;
	is_shared = true;
	if (restarts && draw_chance(500))
		add_worker(choices[other]);
	if (!restarts || draw_chance(300))
		change(choices[other]);
	return choices[other];
}

void
choices_settle(void)
{
	if (is_shared)
		protect(1 - in_force, PROT_NONE);
	is_shared = false;
}
