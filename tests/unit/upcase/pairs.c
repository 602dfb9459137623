/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/sys.h"
#include "unit/upcase/pairs.h"

#include <netinet/in.h>

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct poller *poller;
bool is_untrue;

void
open_poller(int i)
{
	const char *modes = getenv("KQUEUE_FAKE");
	is_untrue = modes != NULL && strstr(modes, "untrue") != NULL;
	poller = poller_open(poller_backend((size_t)i));
	ck_assert_ptr_nonnull(poller);
}

struct pair
pair_open(void)
{
	int ends[2];
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	/* Soon full. */
	(void)sys_setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, 4096);
	return (struct pair){ends[0], ends[1], POLLER_NOTHING, 0};
}

struct pair
pair_connect(void)
{
	struct sockaddr_storage address;
	struct sockaddr_in loopback = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = sys_socket(AF_INET);
	ck_assert_int_eq(
	    sys_bind(listener, (struct sockaddr *)&loopback, sizeof loopback),
	    0);
	ck_assert_int_eq(sys_listen(listener, 1), 0);
	ck_assert_int_eq(sys_getsockname(listener, &address), 0);
	int far = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    connect(far, (struct sockaddr *)&address, sizeof loopback), 0);
	int near = sys_accept(listener, NULL);
	ck_assert_int_ne(near, -1);
	ck_assert_int_eq(sys_close(listener), 0);
	return (struct pair){near, far, POLLER_NOTHING, 0};
}

void
pair_want(struct pair *pair, enum poller_interest wants)
{
	ck_assert_int_eq(
	    poller_set(poller, pair->near, pair->wants, wants, pair), 0);
	pair->wants = wants;
}

void
pair_end(struct pair *pair)
{
	poller_forget(poller, pair->near, pair->wants);
	ck_assert_int_eq(sys_close(pair->near), 0);
	(void)sys_close(pair->far);
	pair->wants = POLLER_NOTHING;
}

void
fill(int fd)
{
	static const char bytes[4096];
	while (sys_send(fd, bytes, sizeof bytes) > 0)
		continue;
	ck_assert(errno == EAGAIN || errno == EWOULDBLOCK);
}

void
drain(int fd)
{
	char bytes[4096];
	while (sys_recv(fd, bytes, sizeof bytes) > 0)
		continue;
}

int
gather(int nready)
{
	void *ready[POLLER_BATCH];
	uint64_t deadline = sys_now() + 2000;
	int n = 0;
	while (n == 0 && sys_now() < deadline)
		n = poller_wait(poller, ready, nready, 1000);
	ck_assert_int_ge(n, 0);
	ck_assert_int_le(n, nready);
	for (int i = 0; i < n; i++)
		((struct pair *)ready[i])->nevents++;
	return n;
}

void
expect_only(struct pair *pair)
{
	pair->nevents = 0;
	int n = gather(POLLER_BATCH);
	while (is_untrue && pair->nevents == 0)
		(void)gather(POLLER_BATCH);
	ck_assert_int_eq(pair->nevents, 1);
	if (!is_untrue)
		ck_assert_int_eq(n, 1);
}

void
expect_silence(int ms)
{
	void *ready[POLLER_BATCH];
	int left = ms;
	uint64_t start = sys_now();
	/* One wait, and one more for each that a signal ended. */
	for (int waits = 0; left > 0; waits++) {
		ck_assert_int_lt(waits, 3);
		ck_assert_int_eq(
		    poller_wait(poller, ready, POLLER_BATCH, left), 0);
		left = ms - (int)(sys_now() - start);
	}
}

void
expect_unready(void)
{
	if (!is_untrue)
		expect_silence(SHORT_MS);
}
