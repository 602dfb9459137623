/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/lookup.h"

#include "base/sys.h"

#include <arpa/inet.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* What the thread works on: it may outlive the call that started it. */
static struct lookup {
	struct address address;
	int family;
	int status, error;
	struct addrinfo *list;
	int done; /* the end of a pipe, closed when it is */
} lookup;

static void *
resolve(void *arg)
{
	struct lookup *job = arg;
	job->status = address_resolve(&job->address, job->family, &job->list);
	job->error = errno;
	(void)sys_close(job->done);
	return NULL;
}

/* Such a host is not looked up anywhere. */
static bool
is_number(const char *host)
{
	struct in_addr in;
	return inet_pton(AF_INET, host, &in) == 1 || strchr(host, ':') != NULL;
}

/* False when the time is over. */
static bool
await_end(int end, uint32_t timeout)
{
	uint64_t deadline = sys_now() + timeout;
	struct pollfd ready = {.fd = end, .events = POLLIN};
	int n;
	do {
		uint64_t now = sys_now();
		n = poll(&ready, 1, now < deadline ? (int)(deadline - now) : 0);
	} while (n == -1 && errno == EINTR);
	return n != 0;
}

int
lookup_run(const struct address *address, int family, uint32_t timeout,
    struct addrinfo **list)
{
	int ends[2];
	pthread_t thread;
	if (timeout == 0 || is_number(address->host) || sys_pipe(ends) == -1)
		return address_resolve(address, family, list);
	lookup = (struct lookup){
	    .address = *address, .family = family, .done = ends[1]};
	if (sys_thread_start(&thread, resolve, &lookup) == -1) {
		(void)sys_close(ends[0]);
		(void)sys_close(ends[1]);
		return address_resolve(address, family, list);
	}
	bool has_ended = await_end(ends[0], timeout);
	(void)sys_close(ends[0]);
	if (!has_ended) {
		errno = ETIMEDOUT;
		return EAI_SYSTEM;
	}
	sys_thread_join(thread);
	*list = lookup.list;
	errno = lookup.error;
	return lookup.status;
}
