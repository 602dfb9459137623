/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sys.h"

#include <sys/resource.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* SIGPIPE is ignored as well: not every system has the flag. */
#ifdef MSG_NOSIGNAL
enum { SEND_FLAGS = MSG_NOSIGNAL };
#else
enum { SEND_FLAGS = 0 };
#endif

#ifdef TCP_USER_TIMEOUT
enum { USER_TIMEOUT = TCP_USER_TIMEOUT };
#else
enum { USER_TIMEOUT = -1 };
#endif

#ifdef TCP_CONGESTION
enum { CONGESTION = TCP_CONGESTION };
#else
enum { CONGESTION = -1 };
#endif

/* Inherited descriptors are looked for below this number. */
enum { INHERITED_MAX = 4096 };

static struct timespec
read_clock(void)
{
	struct timespec t;
	/* It cannot fail for a clock that the system has, as POSIX.1 asks. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t;
}

uint64_t
sys_now(void)
{
	struct timespec t = read_clock();
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t
sys_now_us(void)
{
	struct timespec t = read_clock();
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
sys_sleep(unsigned ms)
{
	(void)poll(NULL, 0, (int)ms);
}

int
sys_setsockopt(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value);
}

int
sys_getsockopt(int fd, int level, int name)
{
	int value;
	socklen_t length = sizeof value;
	if (getsockopt(fd, level, name, &value, &length) == -1)
		return -1;
	return value;
}

int
sys_set_user_timeout(int fd, unsigned ms)
{
	if (USER_TIMEOUT == -1) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return setsockopt(fd, IPPROTO_TCP, USER_TIMEOUT, &ms, sizeof ms);
}

int
sys_set_congestion(int fd, const char *name)
{
	if (CONGESTION == -1) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return setsockopt(
	    fd, IPPROTO_TCP, CONGESTION, name, (socklen_t)strlen(name));
}

int
sys_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	return bind(fd, address, length);
}

int
sys_listen(int fd, int backlog)
{
	return listen(fd, backlog);
}

int
sys_getsockname(int fd, struct sockaddr_storage *address)
{
	socklen_t length = sizeof *address;
	return getsockname(fd, (struct sockaddr *)address, &length);
}

int
sys_getpeername(int fd, struct sockaddr_storage *address)
{
	socklen_t length = sizeof *address;
	return getpeername(fd, (struct sockaddr *)address, &length);
}

int
sys_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return connect(fd, address, length);
}

int
sys_socket_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof error;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
		return errno;
	return error;
}

ssize_t
sys_recv(int fd, void *bytes, size_t n)
{
	ssize_t got;
	do
		got = recv(fd, bytes, n, 0);
	while (got == -1 && errno == EINTR);
	return got;
}

ssize_t
sys_send(int fd, const void *bytes, size_t n)
{
	ssize_t sent;
	do
		sent = send(fd, bytes, n, SEND_FLAGS);
	while (sent == -1 && errno == EINTR);
	return sent;
}

ssize_t
sys_sendv(int fd, struct iovec *pieces, size_t n)
{
	const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = n};
	ssize_t sent;
	do
		sent = sendmsg(fd, &message, SEND_FLAGS);
	while (sent == -1 && errno == EINTR);
	return sent;
}

int
sys_shutdown(int fd)
{
	return shutdown(fd, SHUT_WR);
}

int
sys_set_reset(int fd)
{
	return sys_set_partial(fd, true);
}

int
sys_set_partial(int fd, bool partial)
{
	const struct linger at_once = {.l_onoff = partial, .l_linger = 0};
	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

int
sys_close(int fd)
{
	return close(fd);
}

ssize_t
sys_read(int fd, void *bytes, size_t n)
{
	ssize_t got;
	do
		got = read(fd, bytes, n);
	while (got == -1 && errno == EINTR);
	return got;
}

ssize_t
sys_write(int fd, const void *bytes, size_t n)
{
	ssize_t written;
	do
		written = write(fd, bytes, n);
	while (written == -1 && errno == EINTR);
	return written;
}

void
sys_count_descriptors(struct sys_descriptors *descriptors)
{
	struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	/* Some systems allow less than they say. */
	for (rlim_t most = limit.rlim_max; most > limit.rlim_cur; most /= 2) {
		struct rlimit raised = {most, limit.rlim_max};
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
			limit.rlim_cur = most;
			break;
		}
	}
	descriptors->limit = SIZE_MAX;
	if ((uint64_t)limit.rlim_cur < SIZE_MAX)
		descriptors->limit = (size_t)limit.rlim_cur;
	descriptors->open = 0;
	for (int fd = 0; fd < INHERITED_MAX; fd++)
		descriptors->open += fcntl(fd, F_GETFD) != -1;
}

int
sys_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(thread, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return error == 0 ? 0 : -1;
}

void
sys_thread_join(pthread_t thread)
{
	(void)pthread_join(thread, NULL);
}
