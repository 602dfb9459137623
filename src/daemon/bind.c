/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/bind.h"

#include "base/log.h"
#include "base/printable.h"
#include "base/sys.h"
#include "net/address.h"
#include "net/inet.h"
#include "net/transport.h"

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
	const struct transport *transport;
	const struct address *options;
	size_t n;
	bool by_default;
	struct addrinfo *found[DAEMON_ADDRESSES_MAX];
};

/* Room for what was given to --listen, with as much of a long name as fits. */
enum { OPTION_MAX = 80, HOST_MAX = 64, INTERFACE_MAX = 40 };

/* What was given to --listen, as it was written. */
static const char *
spell(const struct address *option, char text[static OPTION_MAX])
{
	char host[HOST_MAX];
	bool is_ipv6 = strchr(option->host, ':') != NULL;
	(void)snprintf(text, OPTION_MAX, "%s%s%s:%s", is_ipv6 ? "[" : "",
	    printable_cut(option->host, host, sizeof host), is_ipv6 ? "]" : "",
	    option->port);
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
		if (inet_port(address) < IPPORT_RESERVED)
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

/* What a name stands for may change, but not what was written. */
static int
check_found(const struct transport *transport, const struct address *option,
    const struct addrinfo *list)
{
	for (; list != NULL; list = list->ai_next) {
		const char *fault = transport->fault(list->ai_addr);
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
		char shown[INTERFACE_MAX];
		log_errorx("--listen %s: this host has no interface %s, or "
			   "not yet; name another, or try again",
		    text, printable_cut(interface + 1, shown, sizeof shown));
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
		int error = wanted->transport->resolve(
		    option, AF_UNSPEC, &wanted->found[i]);
		if (error != 0) {
			wanted->found[i] = NULL;
			return explain_unknown(option, error);
		}
		int status =
		    check_found(wanted->transport, option, wanted->found[i]);
		if (status != 0)
			return status;
	}
	return 0;
}

/* True for an address that the name service returned before. */
static bool
is_repeated(const struct addrinfo *list, const struct addrinfo *entry)
{
	for (; list != entry; list = list->ai_next) {
		if (inet_is_same(list, entry))
			return true;
	}
	return false;
}

/* True, and says so, when it is one of ours that an address is in use by. */
static bool
explain_overlap(
    const struct wanted *wanted, size_t i, const struct addrinfo *at)
{
	for (size_t j = 0; j <= i; j++) {
		for (const struct addrinfo *other = wanted->found[j];
		     other != NULL && other != at; other = other->ai_next) {
			if (!wanted->transport->overlap(other, at))
				continue;
			char name[ADDRESS_TEXT_MAX];
			char ours[OPTION_MAX], theirs[OPTION_MAX];
			address_format(inet_is_any(at->ai_addr) ? other->ai_addr
								: at->ai_addr,
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
		    server_bind(server, wanted->transport, &service_text,
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
	struct wanted wanted = {
	    .transport = &transport_tcp,
	    .options = options->listen,
	    .n = options->nlisten,
	};
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
