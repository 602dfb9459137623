/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/activation.h"

#include "base/log.h"
#include "base/sys.h"
#include "config/values.h"
#include "net/address.h"
#include "net/inet.h"

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* The first descriptor that is passed: SD_LISTEN_FDS_START. */
enum { FIRST = STDERR_FILENO + 1 };

/* What is longer in a name is cut. */
enum { NAME_SIZE = ACTIVATION_NAME_SIZE };

/* What is passed, and what is known of each. */
static struct {
	int n;                 /* or what activation_parse returns instead */
	char given[NAME_SIZE]; /* LISTEN_FDS */
	char names[ACTIVATION_MAX][NAME_SIZE];
	struct sockaddr_storage addresses[ACTIVATION_MAX];
	const char *faults[ACTIVATION_MAX]; /* and the remedy; NULL: none */
	bool takes_ipv4[ACTIVATION_MAX];    /* on a port of IPv6 as well */
	bool is_stored[ACTIVATION_MAX];     /* came from the store */
	bool is_taken[ACTIVATION_MAX];
} passed;

int
activation_parse(const char *pid, const char *fds, long self)
{
	uint64_t value;
	if (pid == NULL || fds == NULL)
		return 0;
	if (value_parse(&value_number, pid, &value) == -1 ||
	    value != (uint64_t)self)
		return ACTIVATION_OF_ANOTHER;
	if (value_parse(&value_number, fds, &value) == -1 ||
	    value > ACTIVATION_MAX)
		return ACTIVATION_WRONG;
	return (int)value;
}

/* Copies the text up to its end, and at most what there is room for. */
static void
copy(char copied[static NAME_SIZE], const char *text, size_t n)
{
	n = n < NAME_SIZE ? n : NAME_SIZE - 1;
	memcpy(copied, text, n);
	copied[n] = '\0';
}

/* LISTEN_FDNAMES has them with colons between. */
static void
read_names(const char *names)
{
	for (int i = 0; i < passed.n; i++) {
		if (names == NULL)
			names = "unnamed";
		const char *end = strchr(names, ':');
		copy(passed.names[i], names,
		    end == NULL ? strlen(names) : (size_t)(end - names));
		names = end == NULL ? NULL : end + 1;
	}
}

/* Why the socket cannot be served, and what to do about it; NULL: it can. */
static const char *
find_fault(int fd, const struct sockaddr_storage *address)
{
	if (address->ss_family != AF_INET && address->ss_family != AF_INET6)
		return address->ss_family == AF_UNIX
			   ? "is a Unix socket, and only TCP is served; write "
			     "an address such as 127.0.0.1:5220 to "
			     "ListenStream="
			   : "is neither of IPv4 nor of IPv6; write an "
			     "address such as 127.0.0.1:5220 to ListenStream=";
	if (sys_getsockopt(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
		return "is not of TCP; write ListenStream= in place of "
		       "ListenDatagram=";
	if (sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0)
		return "does not listen; leave out Accept=yes, or let "
		       "whoever passes it call listen(2)";
	return NULL;
}

/* What is known of each, before a descriptor of ours can take its number. */
static void
look_at(int i)
{
	struct sockaddr_storage *address = &passed.addresses[i];
	static const char stored[] = ACTIVATION_STORED;
	passed.is_stored[i] =
	    strncmp(passed.names[i], stored, sizeof stored - 1) == 0;
	if (passed.is_stored[i]) {
		/* One that is not open is as good as gone. */
		passed.is_taken[i] = fcntl(FIRST + i, F_GETFD) == -1;
		return;
	}
	if (sys_getsockname(FIRST + i, address) == -1) {
		passed.faults[i] = errno == EBADF
				       ? "is not open; let LISTEN_FDS say how "
					 "many are passed"
				       : "is not a socket; pass sockets, by "
					 "ListenStream=";
		return;
	}
	passed.faults[i] = find_fault(FIRST + i, address);
	passed.takes_ipv4[i] =
	    address->ss_family == AF_INET6 &&
	    sys_getsockopt(FIRST + i, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
}

size_t
activation_read(int spared[static ACTIVATION_MAX])
{
	static const char *const variables[] = {
	    "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"};
	/* NOLINTBEGIN(concurrency-mt-unsafe): there are no threads yet. */
	const char *fds = getenv("LISTEN_FDS");
	passed.n = activation_parse(getenv("LISTEN_PID"), fds, getpid());
	if (passed.n == ACTIVATION_WRONG)
		copy(passed.given, fds, strlen(fds));
	read_names(getenv("LISTEN_FDNAMES"));
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		(void)unsetenv(variables[i]);
	/* NOLINTEND(concurrency-mt-unsafe) */
	for (int i = 0; i < passed.n; i++)
		look_at(i);
	size_t n = 0;
	while ((int)n < passed.n) {
		spared[n] = FIRST + (int)n;
		n++;
	}
	return n;
}

int
activation_take(const char *wanted, const char **name)
{
	for (int i = 0; i < passed.n; i++) {
		*name = passed.names[i];
		if (!passed.is_stored[i] || passed.is_taken[i] ||
		    (wanted != NULL && strcmp(*name, wanted) != 0))
			continue;
		passed.is_taken[i] = true;
		return FIRST + i;
	}
	return -1;
}

static int
refuse(int i)
{
	log_errorx("the descriptor %d (%s) that LISTEN_FDS passes %s",
	    FIRST + i, passed.names[i], passed.faults[i]);
	return EX_USAGE;
}

static int
serve(struct server *server, int i)
{
	char name[ADDRESS_TEXT_MAX];
	address_format((const struct sockaddr *)&passed.addresses[i], name);
	const struct sockaddr *address =
	    (const struct sockaddr *)&passed.addresses[i];
	const struct listen_address at = {
	    .transport = &transport_tcp,
	    .service = &service_text,
	    .address = address,
	    .length = address->sa_family == AF_INET6
			  ? sizeof(struct sockaddr_in6)
			  : sizeof(struct sockaddr_in),
	};
	const struct listener *same =
	    server_find_listener(server, at.transport, address);
	/* The last process was passed it too, and has handed it over. */
	if (same != NULL && same->is_passed) {
		(void)sys_close(FIRST + i);
		return 0;
	}
	if (server_adopt(server, &at, FIRST + i) == -1) {
		log_error("cannot serve %s, which is passed as descriptor %d; "
			  "raise the limit of memory (ulimit -v, MemoryMax=)",
		    name, FIRST + i);
		return EX_OSERR;
	}
	log_info("%s is passed in as descriptor %d (%s)", name, FIRST + i,
	    passed.names[i]);
	return 0;
}

int
activation_serve(struct server *server)
{
	if (passed.n == ACTIVATION_WRONG) {
		log_errorx("LISTEN_FDS: '%s' is not a number from 0 to %d; "
			   "pass at most that many sockets",
		    passed.given, ACTIVATION_MAX);
		return EX_USAGE;
	}
	if (passed.n == ACTIVATION_OF_ANOTHER)
		log_info("LISTEN_PID names another process: what LISTEN_FDS "
			 "passes is not used");
	for (int i = 0; i < passed.n; i++) {
		if (passed.faults[i] != NULL)
			return refuse(i);
	}
	int status = 0;
	for (int i = 0; i < passed.n && status == 0; i++) {
		if (!passed.is_stored[i])
			status = serve(server, i);
	}
	return status;
}

const struct sockaddr *
activation_overlap(const struct sockaddr *address)
{
	for (int i = 0; i < passed.n; i++) {
		const struct sockaddr *ours =
		    (const struct sockaddr *)&passed.addresses[i];
		if (passed.is_stored[i])
			continue;
		bool meet = ours->sa_family == address->sa_family ||
			    passed.takes_ipv4[i];
		if (meet && inet_port(ours) == inet_port(address) &&
		    (inet_is_any(ours) || inet_is_any(address)))
			return ours;
	}
	return NULL;
}
