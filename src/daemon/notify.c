/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/notify.h"

#include "base/log.h"
#include "base/sys.h"

#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int notify_fd = -1;
static bool is_abstract;
static bool has_failed; /* which was logged */

int
notify_address(struct sockaddr_un *address, socklen_t *length, const char *text)
{
	size_t n = strlen(text);
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((text[0] != '/' && text[0] != '@') || n < 2 ||
	    n >= sizeof address->sun_path)
		return -1;
	memcpy(address->sun_path, text, n);
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	/* An abstract name begins with a 0, and ends where the address does. */
	if (text[0] == '@')
		address->sun_path[0] = '\0';
	else
		*length += 1;
	return 0;
}

static int
connect_to(const struct sockaddr_un *address, socklen_t length)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd == -1)
		return -1;
	/* From then on it needs neither the path nor the right to it. */
	if (sys_adopt(fd) == 0 &&
	    connect(fd, (const struct sockaddr *)address, length) == 0)
		return fd;
	(void)sys_close(fd);
	return -1;
}

static void
open_named(const char *name)
{
	struct sockaddr_un address;
	socklen_t length;
	if (notify_address(&address, &length, name) == -1) {
		log_warnx(
		    "NOTIFY_SOCKET: '%.100s' is neither a path nor an @name; "
		    "the service manager is told nothing",
		    name);
		return;
	}
	notify_fd = connect_to(&address, length);
	if (notify_fd == -1)
		log_warn("NOTIFY_SOCKET: cannot connect to %.100s; the service "
			 "manager is told nothing",
		    name);
}

void
notify_open(void)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	const char *name = getenv("NOTIFY_SOCKET");
	has_failed = false;
	is_abstract = name != NULL && name[0] == '@';
	if (name != NULL && name[0] != '\0')
		open_named(name);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): the same. */
	(void)unsetenv("NOTIFY_SOCKET");
}

bool
notify_is_open(void)
{
	return notify_fd != -1;
}

bool
notify_is_abstract(void)
{
	return is_abstract;
}

void
notify_close(void)
{
	if (notify_fd != -1)
		(void)sys_close(notify_fd);
	notify_fd = -1;
}

static bool
is_full(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

static ssize_t
send_message(const struct msghdr *message)
{
	ssize_t sent;
	do
		sent = sendmsg(notify_fd, message, 0);
	while (sent == -1 && errno == EINTR);
	return sent;
}

/* Room for the descriptors of a message. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(NOTIFY_DESCRIPTORS_MAX * sizeof(int))];
};

static void
attach(struct msghdr *message, union control *control, const int *descriptors,
    size_t n)
{
	const size_t size = n * sizeof *descriptors;
	memset(control, 0, sizeof *control);
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	/* By POSIX their type, which is larger on some systems. */
	control->header.cmsg_len = (socklen_t)CMSG_LEN(size);
	memcpy(CMSG_DATA(&control->header), descriptors, size);
	message->msg_control = control->room;
	message->msg_controllen = (socklen_t)CMSG_SPACE(size);
}

int
notify_send(const char *text, const int *descriptors, size_t n)
{
	union control control;
	struct iovec piece = {.iov_len = strlen(text)};
	/* The field has no const, but nothing is written there. */
	memcpy(&piece.iov_base, &text, sizeof text);
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	if (notify_fd == -1)
		return 0;
	if (n > 0)
		attach(&message, &control, descriptors, n);
	if (send_message(&message) != -1)
		return 0;
	if (!has_failed)
		log_warn("cannot tell the service manager of the state; check "
			 "that it still reads NOTIFY_SOCKET");
	has_failed = true;
	if (is_full(errno))
		errno = EAGAIN;
	return -1;
}
