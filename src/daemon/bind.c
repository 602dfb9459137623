/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/bind.h"

#include "base/log.h"
#include "base/sys.h"
#include "net/address.h"

#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct address default_addresses[] = {
    {"127.0.0.1", ADDRESS_PORT},
    {"::1", ADDRESS_PORT},
};

/* The addresses that were asked for, and what they were found to be. */
struct wanted {
	const struct address *options;
	size_t n;
	bool by_default;
	struct addrinfo *found[DAEMON_ADDRESSES_MAX];
};

/* Room for what was given to --listen; more of a long name is not shown. */
enum { OPTION_MAX = 80 };

/* What was given to --listen, as it was written. */
static const char *
spell(const struct address *option, char text[static OPTION_MAX])
{
	bool is_ipv6 = strchr(option->host, ':') != NULL;
	(void)snprintf(text, OPTION_MAX, "%s%.64s%s:%s", is_ipv6 ? "[" : "",
	    option->host, is_ipv6 ? "]" : "", option->port);
	return text;
}

/* True for what no name is, but an address, whether it is a right one or not.
 */
static bool
is_literal(const char *host)
{
	return strchr(host, ':') != NULL ||
	       host[strspn(host, "0123456789.")] == '\0';
}

static const struct in6_addr *
ipv6_of(const struct sockaddr *address)
{
	return &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
}

static in_addr_t
ipv4_of(const struct sockaddr *address)
{
	return ((const struct sockaddr_in *)(const void *)address)
	    ->sin_addr.s_addr;
}

/* The port is at the same place in both families. */
static in_port_t
port_of(const struct sockaddr *address)
{
	return ((const struct sockaddr_in *)(const void *)address)->sin_port;
}

/*
 * True when the host does without IPv6.  One that has it has ::1 from the first
 * on, while other addresses may not be ready yet, which gives the same error.
 */
static bool
lacks_ipv6(int error)
{
	const struct sockaddr_in6 loopback = {
	    .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	if (error == EAFNOSUPPORT)
		return true;
	if (error != EADDRNOTAVAIL)
		return false;
	int fd = sys_socket(AF_INET6);
	if (fd == -1)
		return errno == EAFNOSUPPORT;
	bool lacks = sys_bind(fd, (const struct sockaddr *)&loopback,
			 sizeof loopback) == -1 &&
		     errno == EADDRNOTAVAIL;
	(void)sys_close(fd);
	return lacks;
}

/* Says what to do about a bind that failed, and picks the exit status. */
static int
explain(const struct sockaddr *address, int error)
{
	char name[ADDRESS_TEXT_MAX];
	address_format(address, name);
	switch (error) {
	case EADDRINUSE:
		log_errorx("%s is in use; stop the other server, or choose "
			   "another port with --listen",
		    name);
		return EX_UNAVAILABLE;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case ENODEV:
		log_errorx("%s is not an address of this host, or not ready "
			   "yet; choose one with --listen, or try again",
		    name);
		return EX_UNAVAILABLE;
	case EACCES:
	case EPERM:
		if (ntohs(port_of(address)) < IPPORT_RESERVED)
			log_errorx("this account may not listen on %s: a port "
				   "below 1024 needs root or "
				   "CAP_NET_BIND_SERVICE; choose another with "
				   "--listen",
			    name);
		else
			log_errorx("this account may not listen on %s: the "
				   "system or a sandbox (seccomp, SELinux) "
				   "forbids it; allow it there, or choose "
				   "another port with --listen",
			    name);
		return EX_NOPERM;
	case EMFILE:
	case ENFILE:
		log_errorx("there are not enough descriptors to listen on %s; "
			   "raise their limit (ulimit -n, LimitNOFILE=)",
		    name);
		return EX_OSERR;
	case ENOMEM:
	case ENOBUFS:
		errno = error;
		log_error("there is not enough memory to listen on %s; raise "
			  "its limit (ulimit -v, MemoryMax=)",
		    name);
		return EX_OSERR;
	default:
		errno = error;
		log_error("the system refuses to listen on %s; choose another "
			  "address with --listen",
		    name);
		return EX_OSERR;
	}
}

/*
 * Finds what is wrong with an address that no TCP client could reach, or that
 * IPv6 alone does not say.  Such a one is refused here, where it can be said,
 * and not by the system, if it does so.  NULL: nothing.
 */
static const char *
find_fault(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6) {
		const struct in6_addr *ipv6 = ipv6_of(address);
		if (IN6_IS_ADDR_V4MAPPED(ipv6))
			return "is IPv4 written as IPv6; write it as IPv4, "
			       "such as 127.0.0.1:5220";
		if (IN6_IS_ADDR_MULTICAST(ipv6))
			return "is a multicast address, which TCP cannot "
			       "serve; choose another";
		if (IN6_IS_ADDR_LINKLOCAL(ipv6) &&
		    ((const struct sockaddr_in6 *)(const void *)address)
			    ->sin6_scope_id == 0)
			return "is a link-local address without its "
			       "interface; write it with that, such as "
			       "[fe80::1%eth0]:5220";
		return NULL;
	}
	if (ipv4_of(address) == htonl(INADDR_BROADCAST) ||
	    IN_MULTICAST(ntohl(ipv4_of(address))))
		return "is a broadcast or multicast address, which TCP cannot "
		       "serve; choose another";
	return NULL;
}

/* What a name stands for may change, but not what was written. */
static int
check_found(const struct address *option, const struct addrinfo *list)
{
	for (; list != NULL; list = list->ai_next) {
		const char *fault = find_fault(list->ai_addr);
		if (fault == NULL)
			continue;
		char name[ADDRESS_TEXT_MAX], text[OPTION_MAX];
		spell(option, text);
		if (is_literal(option->host)) {
			log_errorx("--listen %s %s", text, fault);
			return EX_USAGE;
		}
		log_errorx("--listen %s: its address %s %s", text,
		    address_format(list->ai_addr, name), fault);
		return EX_UNAVAILABLE;
	}
	return 0;
}

/* The same for a name that could not be looked up. */
static int
explain_unknown(const struct address *option, int error)
{
	char text[OPTION_MAX];
	spell(option, text);
	const char *interface = strchr(option->host, '%');
	/* These two say nothing about the name. */
	if (error == EAI_MEMORY)
		errno = ENOMEM;
	if (error == EAI_MEMORY || error == EAI_SYSTEM) {
		log_error("cannot look up --listen %s; the limit of "
			  "descriptors (ulimit -n) or of memory (ulimit -v) "
			  "may be too low",
		    text);
		return EX_OSERR;
	}
	if (interface != NULL && strchr(option->host, ':') != NULL &&
	    if_nametoindex(interface + 1) == 0) {
		log_errorx("--listen %s: this host has no interface %.40s, or "
			   "not yet; name another, or try again",
		    text, interface + 1);
		return EX_UNAVAILABLE;
	}
	if (is_literal(option->host)) {
		log_errorx("--listen %s: this is no IPv4 or IPv6 address; "
			   "write one such as 127.0.0.1:5220 or [::1]:5220",
		    text);
		return EX_USAGE;
	}
	if (error == EAI_AGAIN) {
		log_errorx("--listen %s: no name server answers; check the "
			   "network and resolv.conf, or try again",
		    text);
		return EX_NOHOST;
	}
	log_errorx("--listen %s: the name has no address: %s; "
		   "check it, or try again",
	    text, gai_strerror(error));
	return EX_NOHOST;
}

/* Looks all up before any is bound, for that may take long. */
static int
look_up(struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		const struct address *option = &wanted->options[i];
		int error =
		    address_resolve(option, AF_UNSPEC, &wanted->found[i]);
		if (error != 0) {
			wanted->found[i] = NULL;
			return explain_unknown(option, error);
		}
		int status = check_found(option, wanted->found[i]);
		if (status != 0)
			return status;
	}
	return 0;
}

static bool
is_same(const struct addrinfo *a, const struct addrinfo *b)
{
	return a->ai_addrlen == b->ai_addrlen &&
	       memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen) == 0;
}

/* True for an address that the name service returned before. */
static bool
is_repeated(const struct addrinfo *list, const struct addrinfo *entry)
{
	for (; list != entry; list = list->ai_next) {
		if (is_same(list, entry))
			return true;
	}
	return false;
}

/* True for all addresses of a family. */
static bool
is_any(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(ipv6_of(address));
	return ipv4_of(address) == htonl(INADDR_ANY);
}

/* True when only one of the two can be listened on. */
static bool
overlap(const struct addrinfo *a, const struct addrinfo *b)
{
	return a->ai_family == b->ai_family &&
	       port_of(a->ai_addr) == port_of(b->ai_addr) &&
	       (is_any(a->ai_addr) || is_any(b->ai_addr) || is_same(a, b));
}

/* True, and says so, when it is one of ours that an address is in use by. */
static bool
explain_overlap(
    const struct wanted *wanted, size_t i, const struct addrinfo *at)
{
	for (size_t j = 0; j <= i; j++) {
		for (const struct addrinfo *other = wanted->found[j];
		     other != NULL && other != at; other = other->ai_next) {
			if (!overlap(other, at))
				continue;
			char name[ADDRESS_TEXT_MAX];
			char ours[OPTION_MAX], theirs[OPTION_MAX];
			address_format(
			    is_any(at->ai_addr) ? other->ai_addr : at->ai_addr,
			    name);
			log_errorx("--listen %s and --listen %s both mean %s; "
				   "leave one of them out",
			    spell(&wanted->options[j], ours),
			    spell(&wanted->options[i], theirs), name);
			return true;
		}
	}
	return false;
}

static bool
has_ipv4(const struct addrinfo *list)
{
	while (list != NULL && list->ai_family != AF_INET)
		list = list->ai_next;
	return list != NULL;
}

/*
 * Binds all that one of the addresses stands for.  Where the host does without
 * IPv6, IPv4 is enough.
 */
static int
bind_found(struct server *server, const struct wanted *wanted, size_t i)
{
	const struct addrinfo *list = wanted->found[i], *at;
	bool may_lack = wanted->by_default || has_ipv4(list);
	for (at = list; at != NULL; at = at->ai_next) {
		if (is_repeated(list, at) ||
		    server_bind(server, &transport_tcp, &service_text,
			at->ai_addr, at->ai_addrlen) == 0)
			continue;
		int error = errno;
		if (may_lack && at->ai_family == AF_INET6 &&
		    lacks_ipv6(error)) {
			char name[ADDRESS_TEXT_MAX];
			log_info("%s is left out: this host does without IPv6",
			    address_format(at->ai_addr, name));
			continue;
		}
		if (error == EADDRINUSE && explain_overlap(wanted, i, at))
			return EX_USAGE;
		return explain(at->ai_addr, error);
	}
	return 0;
}

int
bind_addresses(struct server *server, const struct daemon_options *options)
{
	struct wanted wanted = {options->listen, options->nlisten, false, {0}};
	if (wanted.n == 0) {
		wanted.options = default_addresses;
		wanted.n =
		    sizeof default_addresses / sizeof default_addresses[0];
		wanted.by_default = true;
	}
	int status = look_up(&wanted);
	for (size_t i = 0; i < wanted.n && status == 0; i++)
		status = bind_found(server, &wanted, i);
	for (size_t i = 0; i < wanted.n && wanted.found[i] != NULL; i++)
		freeaddrinfo(wanted.found[i]);
	return status;
}
