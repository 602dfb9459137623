/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/passage.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* In one message: Linux takes 253, some C libraries one less. */
enum { FDS_MAX = 252 };

/* Where the system has no such flag, a call for each does the same. */
#ifdef MSG_CMSG_CLOEXEC
enum { CLOSE_ON_EXEC = MSG_CMSG_CLOEXEC };
#else
enum { CLOSE_ON_EXEC = 0 };
#endif

/* With room for a message's descriptors, aligned as a header has to be. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int
passage_open(int *near, int *far)
{
	int ends[2];
	/* Each message is whole, and the end of one is the end of the other. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == -1)
		return -1;
	for (int i = 0; i < 2; i++) {
		(void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
		(void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
	}
	*near = ends[0];
	*far = ends[1];
	return 0;
}

static int
send_some(int near, const int *fds, size_t n)
{
	union control control;
	char count = 0;
	struct iovec piece = {.iov_base = &count, .iov_len = sizeof count};
	struct msghdr message = {
	    .msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    /* By POSIX its type, which is larger on some systems. */
	    .msg_controllen = (socklen_t)CMSG_SPACE(n * sizeof *fds),
	};
	memset(&control, 0, sizeof control);
	struct cmsghdr *header = &control.header;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = (socklen_t)CMSG_LEN(n * sizeof *fds);
	memcpy(CMSG_DATA(header), fds, n * sizeof *fds);
	return sendmsg(near, &message, MSG_NOSIGNAL) == -1 ? -1 : 0;
}

int
passage_send(int near, const int *fds, size_t n)
{
	while (n > 0) {
		size_t some = n < FDS_MAX ? n : FDS_MAX;
		if (send_some(near, fds, some) == -1)
			return -1;
		fds += some;
		n -= some;
	}
	return 0;
}

/* Takes a message's descriptors; returns how many there were, or -1. */
static int
receive_some(int far, int *fds, size_t most)
{
	union control control;
	char count;
	struct iovec piece = {.iov_base = &count, .iov_len = sizeof count};
	struct msghdr message = {
	    .msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes,
	};
	ssize_t got = recvmsg(far, &message, CLOSE_ON_EXEC);
	if (got == -1)
		return -1;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	size_t n = 0;
	if (got > 0 && header != NULL && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS) {
		size_t sent = (header->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
		const unsigned char *all = CMSG_DATA(header);
		n = sent < most ? sent : most;
		memcpy(fds, all, n * sizeof *fds);
		/* Nobody asked for the others. */
		for (size_t i = n; i < sent; i++) {
			int fd;
			memcpy(&fd, all + i * sizeof fd, sizeof fd);
			(void)close(fd);
		}
	}
	for (size_t i = 0; i < n && CLOSE_ON_EXEC == 0; i++)
		(void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
	/* The kernel drops what it has no place for, and says only this. */
	if ((message.msg_flags & MSG_CTRUNC) != 0) {
		for (size_t i = 0; i < n; i++)
			(void)close(fds[i]);
		errno = EMFILE;
		return -1;
	}
	return (int)n;
}

int
passage_receive(int far, int *fds, size_t n)
{
	size_t got = 0;
	while (got < n) {
		int some = receive_some(far, fds + got, n - got);
		if (some > 0) {
			got += (size_t)some;
			continue;
		}
		int error = some == -1 && errno != EAGAIN ? errno : EPIPE;
		while (got > 0)
			(void)close(fds[--got]);
		errno = error;
		return -1;
	}
	return 0;
}
