/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/sys.h"

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

/* SIGPIPE is ignored anyhow, for the systems that lack the flag. */
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

/* Asks how many bytes of a socket are not sent, or not acknowledged. */
#if defined FIONWRITE || defined __linux__
/* For a socket, Linux has it as TIOCOUTQ, called SIOCOUTQ in tcp(7). */
#ifdef FIONWRITE
enum { ASK_QUEUE = FIONWRITE };
#else
enum { ASK_QUEUE = TIOCOUTQ };
#endif
static int
ask_queue(int fd, int *n)
{
	return ioctl(fd, ASK_QUEUE, n);
}
#elif defined SO_NWRITE
static int
ask_queue(int fd, int *n)
{
	socklen_t length = sizeof *n;
	return getsockopt(fd, SOL_SOCKET, SO_NWRITE, n, &length);
}
#else
static int
ask_queue(int fd, int *n)
{
	(void)fd;
	(void)n;
	return -1;
}
#endif

/*
 * What poll(2) reports of a connection that is broken.  SO_ERROR alone does not
 * tell: on Linux it also has errors that may pass.
 */
#ifdef __linux__
enum { BROKEN = POLLERR };
#else
enum { BROKEN = POLLERR | POLLHUP };
#endif

/* Only MADV_DONTNEED of Linux gives the memory back at once. */
#if defined __linux__ && defined MADV_DONTNEED
enum { GIVE_BACK = MADV_DONTNEED };
#elif defined MADV_FREE
enum { GIVE_BACK = MADV_FREE };
#else
enum { GIVE_BACK = -1 };
#endif

/*
 * The stack of a thread, in bytes.  Without this the inherited limit would
 * decide: that may be a few KiB, too little to write a line to the log, or 8
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

void
sys_give(int fd, uid_t account)
{
	int result = fchown(fd, account, (gid_t)-1);
	(void)result;
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
sys_peek(int fd, void *bytes, size_t n)
{
	ssize_t got;
	do
		got = recv(fd, bytes, n, MSG_PEEK);
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
	/* The type of the field differs, but each holds an unsigned short. */
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

size_t
sys_unacknowledged(int fd)
{
	int n = 0;
	return ask_queue(fd, &n) == -1 || n < 0 ? 0 : (size_t)n;
}

int
sys_check_connection(int fd)
{
	struct pollfd connection = {.fd = fd};
	if (poll(&connection, 1, 0) <= 0 || (connection.revents & BROKEN) == 0)
		return 0;
	int error = sys_socket_error(fd);
	errno = error;
	return error == 0 ? 0 : -1;
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
	int saved = errno;
	int result = close(fd);
	errno = saved;
	return result;
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
	/* From the first boundary of a page to the last. */
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
		/* If this fails because it is too small, the default stays. */
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
