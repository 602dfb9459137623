/* SPDX-License-Identifier: ISC */
/* The fake kernel's side of sys.h. */
#include "config.h"

#include "base/owner.h"
#include "base/sys.h"
#include "fake/kernel.h"
#include "net/inet.h"

#include <netinet/in.h>

#include <errno.h>
#include <string.h>

/*
 * What is added to a descriptor for the port of a listener that asks for 0, and
 * for that of a peer; how many of the bytes given back are cleared.
 */
enum { ANY_PORT = 43121, GIVEN_BACK = 1 << 18 };

static int
fail(int error)
{
	errno = error;
	return -1;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

uint64_t
sys_now(void)
{
	return kernel.now;
}

uint64_t
sys_now_us(void)
{
	/* A loop that waits for time to pass must come to an end. */
	kernel.us += 10;
	if (kernel.us < kernel.now * 1000)
		kernel.us = kernel.now * 1000;
	return kernel.us;
}

void
sys_sleep(unsigned ms)
{
	kernel.slept_ms += ms;
	kernel.now += ms;
}

int
sys_socket(int family)
{
	kernel_must(
	    family == AF_INET || family == AF_INET6, "its family", family);
	if (kernel_enter(NULL, KERNEL_SOCKET) == -1)
		return -1;
	struct kernel_socket *socket = kernel_connect();
	return socket == NULL ? -1 : socket->fd;
}

int
sys_set_congestion(int fd, const char *name)
{
	struct kernel_socket *socket = kernel_find(fd);
	if (kernel_enter(socket, KERNEL_SETSOCKOPT) == -1)
		return -1;
	return strcmp(name, "cubic") == 0 ? 0 : fail(ENOENT);
}

int
sys_setsockopt(int fd, int level, int name, int value)
{
	struct kernel_socket *socket = kernel_find(fd);
	if (kernel_enter(socket, KERNEL_SETSOCKOPT) == -1)
		return -1;
	for (size_t i = 0; i < socket->noptions; i++) {
		if (socket->options[i].level == level &&
		    socket->options[i].name == name) {
			socket->options[i].value = value;
			return 0;
		}
	}
	kernel_must(socket->noptions < 16, "too many options", fd);
	socket->options[socket->noptions].level = level;
	socket->options[socket->noptions].name = name;
	socket->options[socket->noptions++].value = value;
	return 0;
}

int
sys_getsockopt(int fd, int level, int name)
{
	return kernel_option(kernel_find(fd), level, name);
}

int
sys_set_user_timeout(int fd, unsigned ms)
{
	struct kernel_socket *socket = kernel_find(fd);
	if (kernel_enter(socket, KERNEL_SETSOCKOPT) == -1)
		return -1;
	socket->user_timeout = ms;
	return 0;
}

bool
sys_gives_up(int fd)
{
	(void)kernel_find(fd);
	return !kernel.is_stubborn;
}

void
sys_give(int fd, uid_t account)
{
	(void)kernel_find(fd), (void)account;
}

/*
 * True when another socket listens on the address, unless both share it
 * (SO_REUSEPORT), as on Linux and the BSDs.
 */
static bool
is_in_use(const struct kernel_socket *socket, const struct sockaddr *address)
{
	bool shares = kernel_option(socket, SOL_SOCKET, SO_REUSEPORT) == 1;
	for (int fd = 0; fd <= kernel_highest(); fd++) {
		if (fd == socket->fd || !kernel_is_open(fd))
			continue;
		const struct kernel_socket *other = kernel_find(fd);
		if (other->is_listening &&
		    inet_overlap(
			(const struct sockaddr *)&other->address, address) &&
		    !(shares &&
			kernel_option(other, SOL_SOCKET, SO_REUSEPORT) == 1))
			return true;
	}
	return false;
}

int
sys_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	struct kernel_socket *socket = kernel_find(fd);
	if (kernel_enter(socket, KERNEL_BIND) == -1)
		return -1;
	if (is_in_use(socket, address))
		return fail(EADDRINUSE);
	memcpy(&socket->address, address, length);
	/* The port is at the same place in both families. */
	struct sockaddr_in *in = (struct sockaddr_in *)&socket->address;
	if (in->sin_port == 0)
		in->sin_port = htons((uint16_t)(ANY_PORT + fd));
	return 0;
}

int
sys_listen(int fd, int backlog)
{
	struct kernel_socket *socket = kernel_find(fd);
	kernel_must(backlog > 0, "its backlog", fd);
	if (kernel_enter(socket, KERNEL_LISTEN) == -1)
		return -1;
	socket->is_listening = true;
	socket->backlog = backlog;
	return 0;
}

int
sys_getsockname(int fd, struct sockaddr_storage *address)
{
	*address = kernel_find(fd)->address;
	return 0;
}

/* The peers are at 192.0.2.1, with a port for each descriptor. */
static void
write_peer(int fd, struct sockaddr_storage *address)
{
	const struct kernel_socket *socket = kernel_find(fd);
	struct sockaddr_in in = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)(KERNEL_PEER_PORT + fd)),
	    .sin_addr.s_addr =
		htonl(0xc0000201 + socket->network * 256U + socket->host),
	};
	memset(address, 0, sizeof *address);
	memcpy(address, &in, sizeof in);
}

int
sys_getpeername(int fd, struct sockaddr_storage *address)
{
	if (kernel_find(fd)->reset_by_peer)
		return fail(ENOTCONN);
	write_peer(fd, address);
	return 0;
}

static void
note_move(struct kernel_socket *socket, enum kernel_call call)
{
	if (kernel.hooks != NULL)
		kernel.hooks->moved(socket, call);
}

int
sys_accept(int fd, struct sockaddr_storage *peer)
{
	struct kernel_socket *listener = kernel_find(fd);
	kernel_must(listener->is_listening, "accept before listen", fd);
	if (kernel_enter(listener, KERNEL_ACCEPT) == -1)
		return -1;
	struct list *link = list_first(&listener->queue);
	if (link == NULL)
		return fail(EAGAIN);
	struct kernel_socket *socket =
	    OWNER_OF(link, struct kernel_socket, queued);
	if (socket->accept_error == 0 && kernel_give_descriptor(socket) == -1)
		return -1;
	list_remove(link);
	if (socket->accept_error != 0)
		return fail(socket->accept_error);
	note_move(socket, KERNEL_ACCEPT);
	if (peer != NULL)
		write_peer(socket->fd, peer);
	return socket->fd;
}

int
sys_entropy(void *bytes, size_t n)
{
	memset(bytes, 0, n);
	return 0;
}

void
sys_ignore_new(int fd)
{
	struct kernel_socket *listener = kernel_find(fd);
	kernel_must(listener->is_listening, "ignores before listen", fd);
	listener->ignores_new = true;
}

static ssize_t
take(struct kernel_stream *stream, void *bytes, size_t n)
{
	n = least(n, stream->end - stream->start);
	if (n > 0)
		memcpy(bytes, stream->bytes + stream->start, n);
	stream->start += n;
	return (ssize_t)n;
}

ssize_t
sys_recv(int fd, void *bytes, size_t n)
{
	struct kernel_socket *socket = kernel_find(fd);
	kernel_must(n > 0, "recv of nothing", fd);
	socket->recv_asked = n;
	if (kernel_enter(socket, KERNEL_RECV) == -1)
		return -1;
	if (socket->reset_by_peer)
		return fail(ECONNRESET);
	if (socket->in.start == socket->in.end && !socket->peer_shut)
		return fail(EAGAIN);
	ssize_t got = take(&socket->in, bytes, least(n, socket->recv_most));
	note_move(socket, KERNEL_RECV);
	return got;
}

ssize_t
sys_peek(int fd, void *bytes, size_t n)
{
	struct kernel_socket *socket = kernel_find(fd);
	kernel_must(n > 0, "peek at nothing", fd);
	if (kernel_enter(socket, KERNEL_PEEK) == -1)
		return -1;
	if (socket->reset_by_peer)
		return fail(ECONNRESET);
	if (socket->in.start == socket->in.end && !socket->peer_shut)
		return fail(EAGAIN);
	struct kernel_stream copy = socket->in;
	return take(&copy, bytes, least(n, socket->recv_most));
}

ssize_t
sys_sendv(int fd, struct iovec *pieces, size_t n)
{
	struct kernel_socket *socket = kernel_find(fd);
	size_t size = 0;
	for (size_t i = 0; i < n; i++)
		size += pieces[i].iov_len;
	kernel_must(size > 0, "send of nothing", fd);
	kernel_must(!socket->shut, "send after FIN", fd);
	if (kernel_enter(socket, KERNEL_SEND) == -1)
		return -1;
	if (socket->reset_by_peer)
		return fail(EPIPE);
	size_t held = socket->out.end - socket->out.start;
	size_t left = socket->room > held ? socket->room - held : 0;
	size_t most = least(least(size, left), socket->send_most);
	if (most == 0)
		return fail(EAGAIN);
	for (size_t moved = 0; moved < most; pieces++) {
		size_t part = least(pieces->iov_len, most - moved);
		kernel_append(&socket->out, pieces->iov_base, part);
		moved += part;
	}
	note_move(socket, KERNEL_SEND);
	return (ssize_t)most;
}

ssize_t
sys_send(int fd, const void *bytes, size_t n)
{
	/* sendmsg only reads, but its structure serves both directions. */
	struct iovec whole = {
	    .iov_base = (void *)(uintptr_t)bytes,
	    .iov_len = n,
	};
	return sys_sendv(fd, &whole, 1);
}

int
sys_shutdown(int fd)
{
	struct kernel_socket *socket = kernel_find(fd);
	if (kernel_enter(socket, KERNEL_SHUTDOWN) == -1)
		return -1;
	if (socket->reset_by_peer)
		return fail(ENOTCONN);
	socket->shut = true;
	return 0;
}

size_t
sys_unacknowledged(int fd)
{
	struct kernel_socket *socket = kernel_find(fd);
	(void)kernel_enter(socket, KERNEL_ASK);
	note_move(socket, KERNEL_ASK);
	if (!socket->tight)
		return 0;
	size_t left = socket->out.end - socket->out.start;
	return left + (left > 0 && socket->shut);
}

int
sys_check_connection(int fd)
{
	return kernel_find(fd)->reset_by_peer ? fail(ECONNRESET) : 0;
}

int
sys_set_reset(int fd)
{
	struct kernel_socket *socket = kernel_find(fd);
	if (kernel_enter(socket, KERNEL_SET_RESET) == -1)
		return -1;
	socket->resets = true;
	return 0;
}

int
sys_set_partial(int fd, bool partial)
{
	struct kernel_socket *socket = kernel_find(fd);
	if (kernel_enter(socket, KERNEL_SET_PARTIAL) == -1)
		return -1;
	socket->partial = partial;
	return 0;
}

int
sys_close(int fd)
{
	int saved = errno;
	struct kernel_socket *socket = kernel_find(fd);
	kernel_must(socket->poller == NULL, "close when polled", fd);
	kernel_take_descriptor(socket);
	/* TCP resets when input is left unread (RFC 1122, section 4.2.2.13). */
	socket->was_reset = socket->resets || socket->partial ||
			    socket->in.start < socket->in.end;
	int result = kernel_enter(socket, KERNEL_CLOSE);
	errno = saved;
	return result;
}

int
sys_pipe(int ends[2])
{
	if (kernel_enter(NULL, KERNEL_PIPE) == -1)
		return -1;
	struct kernel_socket *reader = kernel_connect();
	struct kernel_socket *writer = kernel_connect();
	if (reader == NULL || writer == NULL) {
		if (reader != NULL)
			kernel_take_descriptor(reader);
		return -1;
	}
	writer->pipe = reader;
	ends[0] = reader->fd;
	ends[1] = writer->fd;
	return 0;
}

ssize_t
sys_read(int fd, void *bytes, size_t n)
{
	struct kernel_socket *socket = kernel_find(fd);
	ssize_t got = take(&socket->in, bytes, n);
	return got > 0 ? got : fail(EAGAIN);
}

ssize_t
sys_write(int fd, const void *bytes, size_t n)
{
	struct kernel_socket *socket = kernel_find(fd);
	kernel_must(socket->pipe != NULL, "write to no pipe", fd);
	kernel_append(&socket->pipe->in, bytes, n);
	return (ssize_t)n;
}

void
sys_give_back(void *memory, size_t n)
{
	/*
	 * Clears the memory, so that a test finds who still relies on it.  The
	 * beginning is enough, and clearing megabytes would take time.
	 */
	memset(memory, 0, n < GIVEN_BACK ? n : GIVEN_BACK);
}

void
sys_close_inherited(const int *spared, size_t n)
{
	(void)spared, (void)n;
}

int
sys_adopt(int fd)
{
	(void)kernel_find(fd);
	return 0;
}

void
sys_count_descriptors(struct sys_descriptors *descriptors)
{
	descriptors->limit = kernel.descriptors;
	descriptors->open = 0;
	for (int fd = 0; fd <= kernel_highest(); fd++)
		descriptors->open += kernel_is_open(fd);
}

int
sys_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	if (kernel_enter(NULL, KERNEL_THREAD) == -1)
		return -1;
	return kernel.hooks == NULL ? 0 : kernel.hooks->start(thread, run, arg);
}

void
sys_thread_join(pthread_t thread)
{
	if (kernel.hooks != NULL)
		kernel.hooks->join(thread);
}
