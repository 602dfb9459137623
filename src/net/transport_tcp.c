/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/log.h"
#include "base/sys.h"
#include "net/address.h"
#include "net/inet.h"
#include "net/transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdbool.h>

/* Options that a listener can do without. */
enum {
	REFUSED_REUSE = 1 << 0,
	REFUSED_NODELAY = 1 << 1,
	REFUSED_KEEPALIVE = 1 << 2,
	REFUSED_BUFFER = 1 << 3,
	REFUSED_TIMEOUT = 1 << 4,
	REFUSED_INLINE = 1 << 5
};

/* Logs what a refused option costs, once for all listeners. */
static void
note_refused(unsigned *refused, unsigned option, const char *cost)
{
	if ((*refused & option) == 0)
		log_warn("the system refuses an option of TCP: %s", cost);
	*refused |= option;
}

static bool
gives_up(unsigned refused)
{
	return (refused & REFUSED_TIMEOUT) == 0;
}

/*
 * Sets the options that other settings may change.  What a fresh socket has by
 * itself is not set.
 */
static void
set_bounds(const struct transport_options *options, unsigned *refused, int fd,
    bool is_fresh)
{
	/* Without an idle timeout only this finds peers that have vanished. */
	if ((options->probes || !is_fresh) &&
	    sys_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, options->probes) == -1)
		note_refused(refused, REFUSED_KEEPALIVE,
		    "clients that vanish stay; give an --idle-timeout");
	/* This bounds what the kernel holds for a peer that does not read. */
	if (transport_set_buffer(fd, SO_SNDBUF, options->send_buffer) == -1)
		note_refused(refused, REFUSED_BUFFER,
		    "the kernel may hold more for each client than is said");
	/*
	 * A closed connection must not keep that for much longer than an open
	 * one.  While it is open, our own deadline is to come first.
	 */
	if ((options->give_up_ms != 0 || !is_fresh) &&
	    sys_set_user_timeout(fd, options->give_up_ms) == -1)
		note_refused(refused, REFUSED_TIMEOUT,
		    "what a closed connection leaves in the kernel may stay "
		    "there for longer than --stall-timeout");
}

/* Sets the options that the service can do without. */
static void
set_wishes(const struct transport_options *options, unsigned *refused, int fd,
    bool is_fresh)
{
	/* Two answers in a row must not wait for an acknowledgement. */
	if (sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1) == -1)
		note_refused(
		    refused, REFUSED_NODELAY, "small answers may come late");
	/* An urgent byte is a byte of the stream, in its place (RFC 6093). */
	if (sys_setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, 1) == -1)
		note_refused(refused, REFUSED_INLINE, "urgent bytes are lost");
	set_bounds(options, refused, fd, is_fresh);
}

/* Options that accepted sockets inherit are set here, once for all. */
static int
set_options(const struct transport_options *options, unsigned *refused, int fd,
    int family)
{
	const char *congestion = options->congestion;
	/* [::]:5220 and 0.0.0.0:5220 are two listeners, on every system. */
	if (family == AF_INET6 &&
	    sys_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1)
		return -1;
	if (congestion[0] != '\0' && sys_set_congestion(fd, congestion) == -1)
		return -1;
	if (sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1)
		note_refused(refused, REFUSED_REUSE,
		    "after a restart an address may be in use for a while");
	set_wishes(options, refused, fd, true);
	return 0;
}

int
transport_check_congestion(const char *name)
{
	int fd = sys_socket(AF_INET);
	/* A host may have only IPv6. */
	if (fd == -1)
		fd = sys_socket(AF_INET6);
	if (fd == -1)
		return -1;
	int result = sys_set_congestion(fd, name);
	(void)sys_close(fd);
	return result;
}

/*
 * Listening sockets of one account share a port if each has SO_REUSEPORT, and
 * Linux and the BSDs look at the other's when a socket is bound.
 */
static void
share(int fd, bool may)
{
	(void)sys_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, may);
}

static int
listen_tcp(const struct transport_options *options,
    const struct sockaddr *address, socklen_t length, unsigned *refused)
{
	int fd = sys_socket(address->sa_family);
	if (fd == -1)
		return -1;
	if (options->shares)
		share(fd, true);
	/*
	 * Bound sockets may share an address until one of them listens, so only
	 * listen tells whether it is free.  The final length of the queue is
	 * set later.
	 */
	if (set_options(options, refused, fd, address->sa_family) == 0 &&
	    sys_bind(fd, address, length) == 0 &&
	    sys_listen(fd, options->backlog) == 0)
		return fd;
	(void)sys_close(fd);
	return -1;
}

static int
adopt(const struct transport_options *options, int fd, unsigned *refused)
{
	const char *congestion = options->congestion;
	if (sys_adopt(fd) == -1)
		return -1;
	if (congestion[0] != '\0' && sys_set_congestion(fd, congestion) == -1)
		return -1;
	set_wishes(options, refused, fd, false);
	return 0;
}

static void
tune(const struct transport_options *options, int fd, unsigned *refused)
{
	set_bounds(options, refused, fd, false);
}

/* Sockets that others made may take the clients of IPv4 as well. */
static bool
serves(int fd, const struct sockaddr *own, const struct sockaddr *address)
{
	if (inet_is_same(own, address))
		return true;
	return own->sa_family == AF_INET6 && address->sa_family == AF_INET &&
	       inet_is_any(own) && inet_is_any(address) &&
	       inet_port(own) == inet_port(address) &&
	       sys_getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
}

const struct transport transport_tcp = {
    .name = "tcp",
    .resolve = address_resolve,
    .fault = inet_fault,
    .overlap = inet_overlap,
    .covers = inet_covers,
    .listen = listen_tcp,
    .adopt = adopt,
    .tune = tune,
    .share = share,
    .serves = serves,
    .gives_up = gives_up,
};
