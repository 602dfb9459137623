/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sys.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

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

/* What asks a socket for the bytes that are not acknowledged. */
#if defined FIONWRITE
enum { UNACKNOWLEDGED = FIONWRITE };
#else
/* On Linux this is SIOCOUTQ; elsewhere a socket does not know it. */
enum { UNACKNOWLEDGED = TIOCOUTQ };
#endif

/* Only this one promises that the memory is given back at once. */
#if defined __linux__ && defined MADV_DONTNEED
enum { GIVE_BACK = MADV_DONTNEED };
#elif defined MADV_FREE
enum { GIVE_BACK = MADV_FREE };
#else
enum { GIVE_BACK = -1 };
#endif

/*
 * The stack of a thread, or else it would follow the limit of the stack that
 * was inherited: from a few KiB, too little to write a line to the log, to 8
 * MiB for each of 256 workers, which count against a limit of the address
 * space.
 */
enum { THREAD_STACK = 256 * 1024 };

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

bool
sys_gives_up(int fd)
{
	unsigned ms = 0;
	socklen_t length = sizeof ms;
	return USER_TIMEOUT != -1 &&
	       getsockopt(fd, IPPROTO_TCP, USER_TIMEOUT, &ms, &length) == 0 &&
	       ms != 0;
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
	/* A number of this type suits whatever type the system has there. */
	const unsigned short npieces = (unsigned short)n;
	const struct msghdr message = {
	    .msg_iov = pieces,
	    .msg_iovlen = npieces,
	};
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
sys_unacknowledged(int fd)
{
	int n = 0;
	if (ioctl(fd, UNACKNOWLEDGED, &n) == -1 || n == 0)
		return 0;
	/* One that is broken keeps its count. */
	int error = sys_socket_error(fd);
	if (error == 0)
		return n;
	errno = error;
	return -1;
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
sys_give_back(void *memory, size_t n)
{
	long page = sysconf(_SC_PAGESIZE);
	if (GIVE_BACK == -1 || page <= 0)
		return;
	/* From the first border of a page to the last. */
	size_t size = (size_t)page;
	size_t skipped = (size - (uintptr_t)memory % size) % size;
	if (n < skipped + size)
		return;
	(void)madvise((unsigned char *)memory + skipped,
	    (n - skipped) / size * size, GIVE_BACK);
}

int
sys_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);
	if (error == 0) {
		/* Where a stack has to be larger it stays as it is. */
		(void)pthread_attr_setstacksize(&attributes, THREAD_STACK);
		(void)pthread_sigmask(SIG_SETMASK, &all, &before);
		error = pthread_create(thread, &attributes, run, arg);
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
		(void)pthread_attr_destroy(&attributes);
	}
	errno = error;
	return error == 0 ? 0 : -1;
}

void
sys_thread_join(pthread_t thread)
{
	(void)pthread_join(thread, NULL);
}
