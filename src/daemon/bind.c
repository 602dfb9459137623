/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/bind.h"

#include "base/log.h"
#include "base/printable.h"
#include "base/sys.h"
#include "daemon/activation.h"
#include "net/address.h"
#include "net/inet.h"
#include "server/server.h"

#include <netinet/in.h>

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sysexits.h>

/*
 * True when the host has no IPv6.  One that has it has ::1 from the first
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

/* An address that could not be bound, and how messages speak of it. */
struct refusal {
	char name[ADDRESS_TEXT_MAX];
	char place[DAEMON_PLACE_MAX]; /* of the line, if it is from the file */
	const char *by;               /* how to choose another */
	unsigned port;
	bool is_reload;
};

/* Without a right, which a reload has no longer where the start had it. */
static int
explain_no_right(const struct refusal *refusal)
{
	if (refusal->port >= IPPORT_RESERVED)
		log_errorx("%sthis account may not listen on %s: the system or "
			   "a sandbox (seccomp, SELinux) forbids it; allow it "
			   "there, or choose another port%s",
		    refusal->place, refusal->name, refusal->by);
	else if (refusal->is_reload)
		log_errorx("%sthis account may not listen on %s: what right "
			   "there was to a port below 1024 was given up at the "
			   "start; restart upcased, or choose another port",
		    refusal->place, refusal->name);
	else
		log_errorx("%sthis account may not listen on %s: a port below "
			   "1024 needs root or CAP_NET_BIND_SERVICE; choose "
			   "another%s",
		    refusal->place, refusal->name, refusal->by);
	return EX_NOPERM;
}

/* Says what to do about a bind that failed, and picks the exit status. */
static int
explain(const struct refusal *refusal, int error)
{
	const char *place = refusal->place, *name = refusal->name;
	switch (error) {
	case EADDRINUSE:
		log_errorx("%s%s is in use; stop the other server, or choose "
			   "another port%s",
		    place, name, refusal->by);
		return EX_UNAVAILABLE;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case ENODEV:
		log_errorx("%s%s is not an address of this host, or not ready "
			   "yet; choose one%s, or try again",
		    place, name, refusal->by);
		return EX_UNAVAILABLE;
	case EACCES:
	case EPERM:
		return explain_no_right(refusal);
	case EMFILE:
	case ENFILE:
		log_errorx("%sthere are not enough descriptors to listen on "
			   "%s; raise their limit (ulimit -n, LimitNOFILE=)",
		    place, name);
		return EX_OSERR;
	case ENOMEM:
	case ENOBUFS:
		errno = error;
		log_error("%sthere is not enough memory to listen on %s; raise "
			  "its limit (ulimit -v, MemoryMax=)",
		    place, name);
		return EX_OSERR;
	default:
		errno = error;
		log_error("%sthe system refuses to listen on %s; choose "
			  "another address%s",
		    place, name, refusal->by);
		return EX_OSERR;
	}
}

int
bind_check_congestion(const struct daemon_choice *choice, bool is_reload)
{
	const char *name = choice->settings.congestion;
	char place[DAEMON_PLACE_MAX];
	if (name[0] == '\0' || transport_check_congestion(name) == 0)
		return 0;
	int error = errno;
	unsigned line = daemon_line(choice, "congestion");
	const char *by = line == 0 ? "--" : "";
	(void)daemon_place(choice, line, place);
	switch (error) {
	case ENOENT:
		log_errorx(
		    "%sthere is no congestion control '%.64s'; choose one "
		    "of net.ipv4.tcp_available_congestion_control with "
		    "%scongestion",
		    place, name, by);
		return EX_UNAVAILABLE;
	case EPERM:
		log_errorx("%sthe congestion control '%.64s' is not for this "
			   "account; choose one of "
			   "net.ipv4.tcp_allowed_congestion_control with "
			   "%scongestion, or %s",
		    place, name, by,
		    is_reload ? "restart upcased for another address"
			      : "start as root");
		return EX_NOPERM;
	case ENOPROTOOPT:
		log_errorx("%sthis system lets no program choose the "
			   "congestion control; leave out %scongestion",
		    place, by);
		return EX_UNAVAILABLE;
	default:
		errno = error;
		log_error("%scannot choose the congestion control '%.64s'",
		    place, name);
		return EX_OSERR;
	}
}

/* True for an address that the name service returned before. */
static bool
is_repeated(const struct addrinfo *list, const struct addrinfo *entry)
{
	for (; list != entry; list = list->ai_next) {
		if (inet_is_same(list->ai_addr, entry->ai_addr))
			return true;
	}
	return false;
}

/* True, and says so, when it is in use by a socket that was passed in. */
static bool
explain_passed(const struct sockaddr *address)
{
	const struct sockaddr *passed = activation_overlap(address);
	if (passed == NULL)
		return false;
	char name[ADDRESS_TEXT_MAX], theirs[ADDRESS_TEXT_MAX];
	log_errorx("%s is in use, as %s is passed in; leave the one out of "
		   "--listen, or the other out of the socket unit",
	    address_format(address, name), address_format(passed, theirs));
	return true;
}

static bool
has_ipv4(const struct addrinfo *list)
{
	while (list != NULL && list->ai_family != AF_INET)
		list = list->ai_next;
	return list != NULL;
}

/* A list of all addresses, each once, and which list each comes from. */
struct flat {
	struct listen_address *addresses;
	size_t *from;
	size_t n;
};

static void
flat_free(struct flat *flat)
{
	free(flat->addresses);
	free(flat->from);
}

static int
flatten(struct flat *flat, const struct resolved *resolved,
    const struct service *service)
{
	/* Not of no places, which need not be any. */
	size_t n = 1;
	for (size_t i = 0; i < resolved->n; i++) {
		const struct addrinfo *at = resolved->found[i];
		for (; at != NULL; at = at->ai_next)
			n++;
	}
	*flat = (struct flat){
	    .addresses = calloc(n, sizeof *flat->addresses),
	    .from = calloc(n, sizeof *flat->from),
	};
	if (flat->addresses == NULL || flat->from == NULL)
		return -1;
	for (size_t i = 0; i < resolved->n; i++) {
		const struct addrinfo *at = resolved->found[i];
		for (; at != NULL; at = at->ai_next) {
			if (is_repeated(resolved->found[i], at))
				continue;
			flat->from[flat->n] = i;
			flat->addresses[flat->n++] = (struct listen_address){
			    .transport = resolved->transport,
			    .service = service,
			    .address = at->ai_addr,
			    .length = at->ai_addrlen,
			};
		}
	}
	return 0;
}

/*
 * True when the address that was refused can be done without: where the host
 * does without IPv6, IPv4 is enough for a name or for a port alone.
 */
static bool
leave_out(struct flat *flat, const struct resolved *resolved, size_t refused,
    int error)
{
	assert(refused < flat->n);
	const struct sockaddr *address = flat->addresses[refused].address;
	if (address->sa_family != AF_INET6 ||
	    !has_ipv4(resolved->found[flat->from[refused]]) ||
	    !lacks_ipv6(error))
		return false;
	char name[ADDRESS_TEXT_MAX];
	log_info("%s is left out: this host does without IPv6",
	    address_format(address, name));
	flat->n--;
	for (size_t i = refused; i < flat->n; i++) {
		flat->addresses[i] = flat->addresses[i + 1];
		flat->from[i] = flat->from[i + 1];
	}
	return true;
}

/* Says why an address cannot be had. */
static int
refuse(const struct flat *flat, const struct resolved *resolved, size_t refused,
    bool is_reload, int error)
{
	const struct daemon_choice *choice = resolved->choice;
	const struct sockaddr *address = flat->addresses[refused].address;
	unsigned line = resolved->lines[flat->from[refused]];
	struct refusal refusal = {
	    .by = line == 0 ? resolved->by : "",
	    .port = inet_port(address),
	    .is_reload = is_reload,
	};
	address_format(address, refusal.name);
	(void)daemon_place(choice, line, refusal.place);
	/* A control that only root may choose gives an error of the same kind.
	 */
	if (error == EPERM || error == ENOENT) {
		int status = bind_check_congestion(choice, is_reload);
		if (status != 0)
			return status;
	}
	if (error == EADDRINUSE && explain_passed(address))
		return line != 0 ? EX_CONFIG : EX_USAGE;
	return explain(&refusal, error);
}

/* Binds a list by the function of the server that is for it. */
static int
bind_list(struct server *server, const struct resolved *resolved,
    const struct service *service, bool is_reload,
    int (*bind_all)(
	struct server *, const struct listen_address *, size_t, size_t *))
{
	struct flat flat;
	int status = 0;
	if (flatten(&flat, resolved, service) == -1) {
		log_error("cannot bind addresses");
		status = EX_OSERR;
	}
	/* What a service manager passes takes the place of the default. */
	if (service == &service_text && resolved->choice->listens_by_default &&
	    server_has_passed(server))
		flat.n = 0;
	size_t refused;
	while (status == 0 &&
	       bind_all(server, flat.addresses, flat.n, &refused) == -1) {
		int error = errno;
		if (!leave_out(&flat, resolved, refused, error))
			status =
			    refuse(&flat, resolved, refused, is_reload, error);
	}
	flat_free(&flat);
	return status;
}

int
bind_addresses(
    struct server *server, const struct resolved *resolved, bool is_reload)
{
	return bind_list(
	    server, resolved, &service_text, is_reload, server_bind);
}

int
bind_metrics(struct server *server, const struct resolved *resolved)
{
	return bind_list(
	    server, resolved, &service_metrics, false, server_bind_metrics);
}
