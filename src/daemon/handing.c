/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/handing.h"

#include "base/log.h"
#include "base/memory_file.h"
#include "base/passage.h"
#include "daemon/heir.h"
#include "daemon/store.h"
#include "reactor/signals.h"
#include "server/succession.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What travels, until somebody else has it. */
static struct cargo {
	struct estate estate;
	int file, near, far;
} cargo = {.file = -1, .near = -1, .far = -1};

static void
close_one(int *fd)
{
	int saved = errno;
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

static void
drop_cargo(void)
{
	close_one(&cargo.file);
	close_one(&cargo.near);
	close_one(&cargo.far);
	free(cargo.estate.bytes);
	free(cargo.estate.fds);
	cargo.estate = (struct estate){.bytes = NULL};
}

/* All the memory that is needed is taken now, while all can go on as it was. */
static int
make_room(struct estate *estate)
{
	estate->bytes = calloc(1, estate->size);
	estate->fds = calloc(estate->nfds + 1, sizeof *estate->fds);
	if (estate->bytes == NULL || estate->fds == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (cargo.file != -1)
		return memory_file_extend(cargo.file, estate->size);
	cargo.file = memory_file_create(estate->size);
	return cargo.file == -1 ? -1 : 0;
}

int
handing_sketch(struct server *server)
{
	struct estate *estate = &cargo.estate;
	int file = -1;
	if (succession_sketch(server, estate, make_room) == 0 &&
	    memory_file_fill(cargo.file, estate->bytes, estate->size) == 0) {
		file = cargo.file;
		cargo.file = -1;
	}
	drop_cargo();
	return file;
}

int
handing_offer(const char **why)
{
	if (!store_has_room(3)) {
		*why = "the service manager has no store, or too small a one "
		       "(FileDescriptorStoreMax=)";
		return -1;
	}
	cargo.file = memory_file_create(0);
	if (cargo.file == -1 || passage_open(&cargo.near, &cargo.far) == -1) {
		*why = "there are too few descriptors (ulimit -n, "
		       "LimitNOFILE=), or the system has no files in memory";
		return -1;
	}
	/* The last one tells whether there was room for all. */
	int answer = -1;
	if (store_put(STORE_INVENTORY, cargo.file) == 0 &&
	    store_put(STORE_NEAR, cargo.near) == 0 &&
	    store_put(STORE_FAR, cargo.far) == 0)
		answer = store_ask();
	if (answer == -1)
		*why = "the service manager takes no messages";
	close_one(&cargo.far);
	return answer;
}

void
handing_withdraw(void)
{
	/* Nothing was offered without it. */
	if (cargo.near != -1) {
		(void)store_remove(STORE_INVENTORY);
		(void)store_remove(STORE_NEAR);
		(void)store_remove(STORE_FAR);
	}
	drop_cargo();
}

/* Without a far end there is nobody who could take what is sent. */
static bool
is_stored(void)
{
	struct pollfd near = {.fd = cargo.near};
	return poll(&near, 1, 0) == 0;
}

static int
send_all(void)
{
	struct estate *estate = &cargo.estate;
	if (memory_file_fill(cargo.file, estate->bytes, estate->size) == -1)
		return -1;
	return passage_send(cargo.near, estate->fds, estate->nfds);
}

const char *
handing_store(struct server *server)
{
	const char *why = "there is not enough memory for it, or more is "
			  "served than the system lets wait";
	sigset_t all, before;
	if (!is_stored())
		return "the service manager did not store it; raise "
		       "FileDescriptorStoreMax=";
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	if (succession_pack(server, &cargo.estate, make_room) == 0) {
		if (send_all() == 0) {
			succession_leave(server);
			log_info("all is handed over to the service manager");
			return NULL;
		}
		(void)succession_undo(server, &cargo.estate);
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return why;
}

/* Returns only if it fails, with errno. */
static void
execute(const struct start *start)
{
	char more[64];
	if (send_all() == -1)
		return;
	(void)snprintf(more, sizeof more, HEIR_VARIABLE "=serve:%d:%d",
	    cargo.file, cargo.far);
	char **environment = start_environment(start, more, true);
	if (environment == NULL)
		return;
	if (fcntl(cargo.file, F_SETFD, 0) == 0 &&
	    fcntl(cargo.far, F_SETFD, 0) == 0)
		(void)execve(start->program, start->arguments, environment);
	int saved = errno;
	free(environment);
	errno = saved;
}

void
handing_execute(struct server *server, const struct start *start)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	/* They wait for whoever serves next, also if they came just now. */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	signals_return();
	if (passage_open(&cargo.near, &cargo.far) == 0 &&
	    succession_pack(server, &cargo.estate, make_room) == 0) {
		execute(start);
		int saved = errno;
		(void)succession_undo(server, &cargo.estate);
		/* The listeners are others now, and hold the same sockets. */
		store_keep();
		errno = saved;
	}
	log_error("no hand-over: cannot execute the program with all that is "
		  "served; all is served as before");
	drop_cargo();
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
