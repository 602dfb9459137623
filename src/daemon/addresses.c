/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "addresses.h"

#include "address.h"
#include "log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

static const struct address default_addresses[] = {
    {"127.0.0.1", ADDRESS_PORT},
    {"::1", ADDRESS_PORT},
};

/* True when the host has no such address because it does without IPv6. */
static bool
lacks_family(int family, int error)
{
	return family == AF_INET6 &&
	       (error == EAFNOSUPPORT || error == EADDRNOTAVAIL);
}

/* Says what to do about a bind that failed, and picks the exit status. */
static int
explain(const char *name, int error)
{
	switch (error) {
	case EADDRINUSE:
		log_errorx("%s is in use; stop the other server, or choose "
			   "another port with --listen",
		    name);
		return EX_UNAVAILABLE;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		log_errorx("%s is not an address of this host; choose one with "
			   "--listen",
		    name);
		return EX_UNAVAILABLE;
	case EACCES:
	case EPERM:
		log_errorx("%s needs a right that this account lacks, as ports "
			   "below 1024 do; choose another port with --listen",
		    name);
		return EX_NOPERM;
	case EMFILE:
	case ENFILE:
		log_errorx("there are not enough descriptors to listen on %s; "
			   "raise their limit (ulimit -n, LimitNOFILE=)",
		    name);
		return EX_OSERR;
	default:
		errno = error;
		log_error("cannot listen on %s", name);
		return EX_OSERR;
	}
}

/* True for an address that the name service returned before. */
static bool
is_repeated(const struct addrinfo *list, const struct addrinfo *entry)
{
	for (; list != entry; list = list->ai_next) {
		if (list->ai_addrlen == entry->ai_addrlen &&
		    memcmp(list->ai_addr, entry->ai_addr, entry->ai_addrlen) ==
			0)
			return true;
	}
	return false;
}

/*
 * Binds all that an address stands for, but for what the host lacks.  At least
 * one of them must be there, unless they are optional.
 */
static int
bind_list(struct server *server, const struct addrinfo *list, bool optional)
{
	char name[ADDRESS_TEXT_MAX];
	unsigned nbound = 0;
	int error = 0;
	bool several = list->ai_next != NULL;
	for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
		if (is_repeated(list, at))
			continue;
		if (server_bind(server, at->ai_addr, at->ai_addrlen) == 0) {
			nbound++;
			continue;
		}
		error = errno;
		address_format(at->ai_addr, name);
		if (!lacks_family(at->ai_family, error))
			return explain(name, error);
		if (several || optional)
			log_info("%s is left out: this host has no such "
				 "address",
			    name);
	}
	return nbound > 0 || optional ? 0 : explain(name, error);
}

/* The same for a name that could not be looked up. */
static int
explain_unknown(const char *host, int error)
{
	/* These two say nothing about the name. */
	if (error == EAI_MEMORY)
		errno = ENOMEM;
	if (error == EAI_MEMORY || error == EAI_SYSTEM) {
		log_error("cannot look up the address of %s", host);
		return EX_OSERR;
	}
	log_errorx("the address of %s is not known: %s; check the name given "
		   "to --listen",
	    host, gai_strerror(error));
	return EX_NOHOST;
}

static int
bind_one(struct server *server, const struct address *address, bool optional)
{
	struct addrinfo *list;
	int error = address_resolve(address, AF_UNSPEC, &list);
	if (error != 0)
		return explain_unknown(address->host, error);
	int status = bind_list(server, list, optional);
	freeaddrinfo(list);
	return status;
}

int
addresses_bind(struct server *server, const struct daemon_options *options)
{
	bool by_default = options->nlisten == 0;
	const struct address *addresses =
	    by_default ? default_addresses : options->listen;
	size_t n = by_default
		       ? sizeof default_addresses / sizeof default_addresses[0]
		       : options->nlisten;
	for (size_t i = 0; i < n; i++) {
		int status = bind_one(server, &addresses[i], by_default);
		if (status != 0)
			return status;
	}
	return 0;
}
