/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/tcp.h"

#include "base/log.h"
#include "base/sys.h"
#include "server/buffers.h"
#include "server/limits.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>

/* Options that a listener can do without. */
enum {
	REFUSED_REUSE = 1 << 0,
	REFUSED_NODELAY = 1 << 1,
	REFUSED_KEEPALIVE = 1 << 2,
	REFUSED_BUFFER = 1 << 3,
	REFUSED_TIMEOUT = 1 << 4,
	REFUSED_INLINE = 1 << 5
};

/* Says what it costs that the system refuses an option: once for all. */
static void
note_refused(unsigned *refused, unsigned option, const char *cost)
{
	if ((*refused & option) == 0)
		log_warn("the system refuses an option of TCP: %s", cost);
	*refused |= option;
}

uint32_t
tcp_held_ms(const struct server_settings *settings, unsigned refused)
{
	if (settings->stall_ms == 0 || (refused & REFUSED_TIMEOUT) != 0)
		return 0;
	return settings->stall_ms + SERVER_STALL_MARGIN_MS;
}

/* Sets the options without which there is less, but service. */
static void
set_wishes(const struct server_settings *settings, unsigned *refused, int fd)
{
	if (sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1)
		note_refused(refused, REFUSED_REUSE,
		    "after a restart an address may be in use for a while");
	/* Two answers in a row must not wait for an acknowledgement. */
	if (sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1) == -1)
		note_refused(
		    refused, REFUSED_NODELAY, "small answers may come late");
	/*
	 * An urgent byte is one of the stream, and in its place (RFC 6093).
	 */
	if (sys_setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, 1) == -1)
		note_refused(refused, REFUSED_INLINE, "urgent bytes are lost");
	/* With no idle timeout only this finds peers that have vanished. */
	if (settings->idle_ms == 0 &&
	    sys_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1) == -1)
		note_refused(refused, REFUSED_KEEPALIVE,
		    "clients that vanish stay; give an --idle-timeout");
	/* What a peer that does not read can make the kernel hold. */
	if (buffers_set_size(fd, SO_SNDBUF, settings->send_buffer) == -1)
		note_refused(refused, REFUSED_BUFFER,
		    "the kernel may hold more for each client than is said");
	/*
	 * A closed connection must not keep that for much longer than an open
	 * one.  While it is open our own deadline is to come first.
	 */
	if (settings->stall_ms != 0 &&
	    sys_set_user_timeout(fd, tcp_held_ms(settings, *refused)) == -1)
		note_refused(refused, REFUSED_TIMEOUT,
		    "what a closed connection leaves in the kernel may stay "
		    "there for longer than --stall-timeout");
}

/* Options that accepted sockets inherit are set here, once for all. */
static int
set_options(const struct server_settings *settings, unsigned *refused, int fd,
    int family)
{
	const char *congestion = settings->congestion;
	/* [::]:5220 and 0.0.0.0:5220 are two listeners, on every system. */
	if (family == AF_INET6 &&
	    sys_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1)
		return -1;
	if (congestion[0] != '\0' && sys_set_congestion(fd, congestion) == -1)
		return -1;
	set_wishes(settings, refused, fd);
	return 0;
}

int
tcp_listen(const struct server_settings *settings, unsigned *refused,
    const struct sockaddr *address, socklen_t length)
{
	int fd = sys_socket(address->sa_family);
	if (fd == -1)
		return -1;
	/*
	 * Bound sockets may share an address until one of them listens, so only
	 * that tells whether it is free.  How long the queue is to be is known
	 * later.
	 */
	if (set_options(settings, refused, fd, address->sa_family) == 0 &&
	    sys_bind(fd, address, length) == 0 &&
	    sys_listen(fd, LIMITS_BACKLOG_MIN) == 0)
		return fd;
	int saved = errno;
	(void)sys_close(fd);
	errno = saved;
	return -1;
}
