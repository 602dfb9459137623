/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/heir.h"

#include "base/log.h"
#include "base/memory_file.h"
#include "base/passage.h"
#include "base/sys.h"
#include "daemon/activation.h"
#include "daemon/dispositions.h"
#include "daemon/store.h"
#include "server/succession.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int file = -1, passage = -1;
static bool is_stored; /* these are in the store, too */
static const void *bytes;
static size_t size;
static struct estate estate;

size_t
heir_read(int named[static HEIR_MAX])
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	const char *text = getenv(HEIR_VARIABLE);
	char end;
	size_t n = 0;
	if (text == NULL)
		return 0;
	/* The widths leave no number that is too large for an int. */
	/* NOLINTBEGIN(cert-err34-c) */
	if (sscanf(text, "serve:%9d:%9d%c", &file, &passage, &end) == 2)
		n = 2;
	else if (sscanf(text, "rehearse:%9d%c", &file, &end) == 1)
		n = 1;
	/* NOLINTEND(cert-err34-c) */
	if (n == 0 || file <= STDERR_FILENO ||
	    (n == 2 && (passage <= STDERR_FILENO || passage == file))) {
		file = passage = -1;
		n = 0;
	}
	named[0] = n < 2 || file < passage ? file : passage;
	named[1] = named[0] == file ? passage : file;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	(void)unsetenv(HEIR_VARIABLE);
	return n;
}

bool
heir_serves(void)
{
	return passage != -1;
}

bool
heir_rehearses(void)
{
	return file != -1 && passage == -1;
}

static void
close_one(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static void
empty_store(void)
{
	static const char *const names[] = {
	    STORE_INVENTORY, STORE_NEAR, STORE_FAR};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)store_remove(names[i]);
	is_stored = false;
}

void
heir_forget(void)
{
	if (is_stored)
		empty_store();
	/* What is still in the passage is closed with it. */
	close_one(&passage);
	close_one(&file);
	memory_file_unmap(bytes, size);
	bytes = NULL;
	free(estate.fds);
	estate = (struct estate){.fds = NULL};
}

static int
lose_whole(const char *what)
{
	log_errorx("the connections of the last process are lost: %s", what);
	heir_forget();
	return 0;
}

static int
lose(const char *what)
{
	log_error("the connections of the last process are lost: %s", what);
	heir_forget();
	return 0;
}

/* Looks for what a hand-over to the service manager has left. */
static int
look_into_store(void)
{
	const char *name;
	int near = activation_take(STORE_NEAR, &name);
	file = activation_take(STORE_INVENTORY, &name);
	passage = activation_take(STORE_FAR, &name);
	is_stored = near != -1 || file != -1 || passage != -1;
	/* Nothing is sent any longer. */
	close_one(&near);
	return is_stored && (file == -1 || passage == -1) ? -1 : 0;
}

/* Receives the descriptors that the inventory names. */
static int
receive(void)
{
	struct inventory inventory;
	if (inventory_read(&inventory, bytes, size) != NULL)
		return 0;
	estate.nfds =
	    (size_t)inventory.header.nlisteners + inventory.header.nconns;
	/* They may be more than the limit that this process began with. */
	struct sys_descriptors descriptors;
	sys_count_descriptors(&descriptors);
	/* Not of no bytes, which need not be any. */
	estate.fds = calloc(estate.nfds + 1, sizeof *estate.fds);
	if (estate.fds == NULL)
		return -1;
	return passage_receive(passage, estate.fds, estate.nfds);
}

int
heir_take(struct server *server)
{
	bool rehearses = heir_rehearses();
	if (file == -1 && look_into_store() == -1)
		return lose_whole("the service manager has only a part of "
				  "what was handed over");
	if (file == -1)
		return 0;
	bytes = memory_file_map(file, &size);
	if (bytes == NULL && is_stored && errno == EINVAL)
		return lose_whole("it ended before it had handed them over");
	if (bytes == NULL)
		return rehearses ? -1 : lose("cannot read their inventory");
	/* From here on there are clients, whom no signal may end. */
	if (!rehearses)
		dispositions_hold();
	/* The field has no const, but nothing is written there. */
	memcpy(&estate.bytes, &bytes, sizeof bytes);
	estate.size = size;
	if (!rehearses && receive() == -1)
		return lose("cannot receive their sockets");
	const char *fault = succession_inherit(server, &estate);
	if (fault == NULL)
		return 0;
	if (!rehearses) {
		for (size_t i = 0; i < estate.nfds && estate.fds != NULL; i++)
			(void)close(estate.fds[i]);
		log_errorx("the connections of the last process are lost: the "
			   "inventory cannot be read: %s",
		    fault);
		heir_forget();
		return 0;
	}
	log_errorx("cannot take over: the inventory cannot be read: %s", fault);
	return -1;
}

int
heir_end_rehearsal(struct server *server)
{
	const char *fault = succession_rehearse(server);
	if (fault == NULL)
		return 0;
	log_errorx("cannot take over: %s", fault);
	return EX_OSERR;
}
