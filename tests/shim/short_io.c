/* SPDX-License-Identifier: ISC */
/*
 * To be preloaded: lets every recv, send, read and write on a socket move 1 to
 * 7 bytes at most, and now and then fail with EINTR, or with EAGAIN where the
 * call must not block.  Nothing is lost: a call either fails or really moves
 * what it says.  Descriptors that are no sockets are left alone.
 *
 * The decisions follow from SHORT_IO_SEED in the environment, a number, and
 * from the order of the calls.
 *
 * Each call is made by its cousin (recv by recvfrom, read by readv), so there
 * is nothing to look up, and a sanitizer's checks still see it.
 */
#include "config.h"

/* The checked forms of these calls are defined here as functions as well. */
#undef _FORTIFY_SOURCE

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define SHORTEST 1
#define LONGEST  7

/* One call in this many fails with EINTR, and one with EAGAIN. */
#define FAILURE_RATE 8

static _Atomic uint64_t state;

__attribute__((constructor)) static void
seed(void)
{
	const char *text = getenv("SHORT_IO_SEED");
	if (text != NULL)
		atomic_store(&state, strtoull(text, NULL, 10));
}

/* The next number of splitmix64, a generator whose state is a counter. */
static uint64_t
draw(void)
{
	const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = atomic_fetch_add(&state, step) + step;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int
is_socket(int fd)
{
	int type;
	socklen_t length = sizeof type;
	int saved = errno;
	int result = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length);
	errno = saved;
	return result == 0;
}

/* Returns how many of n bytes the call may move, or -1 with errno. */
static ssize_t
shorten(int fd, size_t n, int flags)
{
	uint64_t number = draw();
	if (number % FAILURE_RATE == 0) {
		errno = EINTR;
		return -1;
	}
	if (number % FAILURE_RATE == 1 &&
	    ((flags & MSG_DONTWAIT) != 0 ||
		(fcntl(fd, F_GETFL) & O_NONBLOCK) != 0)) {
		errno = EAGAIN;
		return -1;
	}
	size_t most = SHORTEST + (number >> 32) % (LONGEST - SHORTEST + 1);
	return (ssize_t)(n < most ? n : most);
}

ssize_t
recv(int fd, void *bytes, size_t n, int flags)
{
	ssize_t most = shorten(fd, n, flags);
	if (most == -1)
		return -1;
	return recvfrom(fd, bytes, (size_t)most, flags, NULL, NULL);
}

ssize_t
send(int fd, const void *bytes, size_t n, int flags)
{
	ssize_t most = shorten(fd, n, flags);
	if (most == -1)
		return -1;
	return sendto(fd, bytes, (size_t)most, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	/* The first piece is enough: fewer bytes than all are moved. */
	const struct iovec *piece = message->msg_iov;
	return send(fd, piece->iov_base, piece->iov_len, flags);
}

ssize_t
read(int fd, void *bytes, size_t n)
{
	if (is_socket(fd))
		return recv(fd, bytes, n, 0);
	const struct iovec whole = {.iov_base = bytes, .iov_len = n};
	return readv(fd, &whole, 1);
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	if (is_socket(fd))
		return send(fd, bytes, n, 0);
	/* writev only reads, but its structure serves both directions. */
	const struct iovec whole = {
	    .iov_base = (void *)(uintptr_t)bytes,
	    .iov_len = n,
	};
	return writev(fd, &whole, 1);
}

/*
 * What glibc calls instead where the compiler knows the size of the buffer
 * (_FORTIFY_SOURCE); the size is checked by the build without this library.
 */
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __read_chk(int, void *, size_t, size_t);

ssize_t
__recv_chk(int fd, void *bytes, size_t n, size_t size, int flags)
{
	(void)size;
	return recv(fd, bytes, n, flags);
}

ssize_t
__read_chk(int fd, void *bytes, size_t n, size_t size)
{
	(void)size;
	return read(fd, bytes, n);
}
