/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/resolve.h"

#include "base/log.h"
#include "base/printable.h"
#include "net/address.h"
#include "net/inet.h"

#include <net/if.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/*
 * Room for what stands before a sentence about an address that was asked for;
 * more of a long name is not shown.
 */
enum { HOST_MAX = 64, INTERFACE_MAX = 40, SUBJECT_MAX = DAEMON_PLACE_MAX + 96 };

/* The address as it was written, with the place where that was. */
static const char *
spell(const struct resolved *resolved, size_t i, char text[static SUBJECT_MAX])
{
	const struct daemon_choice *choice = resolved->choice;
	struct address cut = resolved->options[i];
	char whole[ADDRESS_SPELLED_MAX], place[DAEMON_PLACE_MAX];
	unsigned line = resolved->lines[i];
	(void)printable_cut(resolved->options[i].host, cut.host, HOST_MAX);
	(void)snprintf(text, SUBJECT_MAX, "%s%s%s %s",
	    daemon_place(choice, line, place), line == 0 ? "--" : "",
	    resolved->name, address_spell(&cut, whole));
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

/* What a name stands for may change, but not what was written. */
static int
check_found(const struct resolved *resolved, size_t i)
{
	const struct addrinfo *list = resolved->found[i];
	for (; list != NULL; list = list->ai_next) {
		const char *fault = resolved->transport->fault(list->ai_addr);
		if (fault == NULL)
			continue;
		char name[ADDRESS_TEXT_MAX], text[SUBJECT_MAX];
		spell(resolved, i, text);
		if (is_literal(resolved->options[i].host)) {
			log_errorx("%s %s", text, fault);
			return EX_USAGE;
		}
		log_errorx("%s: its address %s %s", text,
		    address_format(list->ai_addr, name), fault);
		return EX_UNAVAILABLE;
	}
	return 0;
}

/* The same for a name that could not be looked up. */
static int
explain_unknown(const struct resolved *resolved, size_t i, int error)
{
	const struct address *option = &resolved->options[i];
	char text[SUBJECT_MAX];
	spell(resolved, i, text);
	const char *interface = strchr(option->host, '%');
	/* These two say nothing about the name. */
	if (error == EAI_MEMORY)
		errno = ENOMEM;
	if (error == EAI_MEMORY || error == EAI_SYSTEM) {
		log_error("%s: cannot look it up; the limit of descriptors "
			  "(ulimit -n) or of memory (ulimit -v) may be too low",
		    text);
		return EX_OSERR;
	}
	if (interface != NULL && strchr(option->host, ':') != NULL &&
	    if_nametoindex(interface + 1) == 0) {
		char shown[INTERFACE_MAX];
		log_errorx("%s: this host has no interface %s, or "
			   "not yet; name another, or try again",
		    text, printable_cut(interface + 1, shown, sizeof shown));
		return EX_UNAVAILABLE;
	}
	if (is_literal(option->host)) {
		log_errorx("%s: this is no IPv4 or IPv6 address; "
			   "write one such as 127.0.0.1:5220 or [::1]:5220",
		    text);
		return EX_USAGE;
	}
	if (error == EAI_AGAIN) {
		log_errorx("%s: no name server answers; check the "
			   "network and resolv.conf, or try again",
		    text);
		return EX_NOHOST;
	}
	log_errorx("%s: the name has no address: %s; "
		   "check it, or try again",
	    text, gai_strerror(error));
	return EX_NOHOST;
}

/* Looks all up before any is bound, for that may take long. */
static int
look_up(struct resolved *resolved)
{
	for (size_t i = 0; i < resolved->n; i++) {
		const struct address *option = &resolved->options[i];
		int error = resolved->transport->resolve(
		    option, AF_UNSPEC, &resolved->found[i]);
		if (error != 0) {
			resolved->found[i] = NULL;
			return explain_unknown(resolved, i, error);
		}
		int status = check_found(resolved, i);
		if (status != 0)
			return status;
	}
	return 0;
}

/* Says that two of the options mean one address. */
static void
explain_overlap(const struct resolved *resolved, size_t i, size_t j,
    const struct sockaddr *address)
{
	char name[ADDRESS_TEXT_MAX];
	char ours[SUBJECT_MAX], theirs[SUBJECT_MAX];
	log_errorx("%s and %s both mean %s; leave one of them out",
	    spell(resolved, i, ours), spell(resolved, j, theirs),
	    address_format(address, name));
}

/* The address that two options share, or NULL. */
static const struct sockaddr *
shared_by(const struct transport *transport, const struct addrinfo *ours,
    const struct addrinfo *theirs)
{
	for (; ours != NULL; ours = ours->ai_next) {
		for (const struct addrinfo *at = theirs; at != NULL;
		     at = at->ai_next) {
			if (transport->overlap(ours->ai_addr, at->ai_addr))
				return inet_is_any(at->ai_addr) ? ours->ai_addr
								: at->ai_addr;
		}
	}
	return NULL;
}

static int
check_overlaps(const struct resolved *resolved)
{
	for (size_t i = 0; i < resolved->n; i++) {
		for (size_t j = i + 1; j < resolved->n; j++) {
			const struct sockaddr *shared =
			    shared_by(resolved->transport, resolved->found[i],
				resolved->found[j]);
			if (shared == NULL)
				continue;
			explain_overlap(resolved, i, j, shared);
			return EX_USAGE;
		}
	}
	return 0;
}

static int
resolve(struct resolved *resolved)
{
	int status = look_up(resolved);
	if (status == 0)
		status = check_overlaps(resolved);
	/* What is wrong is not the command line, but the file. */
	return status == EX_USAGE &&
		       daemon_line(resolved->choice, resolved->name) != 0
		   ? EX_CONFIG
		   : status;
}

int
resolve_addresses(struct resolved *resolved, const struct daemon_choice *choice)
{
	*resolved = (struct resolved){
	    .transport = &transport_tcp,
	    .choice = choice,
	    .name = "listen",
	    .by = " with --listen",
	    .options = choice->options.listen,
	    .lines = choice->listen_lines,
	    .n = choice->options.nlisten,
	};
	return resolve(resolved);
}

int
resolve_metrics(struct resolved *resolved, const struct daemon_choice *choice)
{
	*resolved = (struct resolved){
	    .transport = &transport_tcp,
	    .choice = choice,
	    .name = "metrics",
	    .by = " with --metrics",
	    .options = &choice->options.metrics,
	    .lines = &resolved->line,
	    .n = choice->settings.metrics_host != NULL,
	    .line = daemon_line(choice, "metrics"),
	};
	return resolve(resolved);
}

void
resolved_free(struct resolved *resolved)
{
	for (size_t i = 0; i < resolved->n && resolved->found[i] != NULL; i++)
		freeaddrinfo(resolved->found[i]);
}
