/* SPDX-License-Identifier: ISC */
/*
 * Prefixes: sets of addresses that begin with the same bits, as people write
 * them: 192.0.2.0/24, 2001:db8::/32, or an address alone.  A few have words.
 *
 * An IPv4 address that stands in an IPv6 one, as ::ffff:192.0.2.1 (RFC 4291,
 * section 2.5.5.2), is the IPv4 address everywhere here.  The interface of a
 * link-local address does not matter.
 */
#ifndef PREFIX_H
#define PREFIX_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum prefix_kind {
	PREFIX_NONE,     /* no address */
	PREFIX_ALL,      /* any address, also one of another family */
	PREFIX_LOOPBACK, /* 127.0.0.0/8 and ::1 */
	PREFIX_IPV4,
	PREFIX_IPV6
};

/* Two that are the same have the same bytes; behind the bits all are 0. */
struct prefix {
	uint8_t kind; /* enum prefix_kind */
	uint8_t bits; /* 0 to 32, or to 128 */
	unsigned char bytes[16];
};

/* What prefix_parse takes, for an error message. */
#define PREFIX_SYNTAX                                                          \
	"an address or a prefix such as 192.0.2.7, 192.0.2.0/24, "             \
	"2001:db8::/32, loopback, all or none, with no bit set behind it"

/* -1 when the text is no prefix, or has bits set that do not count. */
int prefix_parse(struct prefix *, const char *text);

/* Room for any text that prefix_format makes, its end included. */
#define PREFIX_TEXT_MAX 52

/* Writes it as prefix_parse takes it, and returns the text. */
const char *prefix_format(
    const struct prefix *, char text[static PREFIX_TEXT_MAX]);

/*
 * The prefix of so many bits that an address is in; PREFIX_NONE for one that is
 * neither IPv4 nor IPv6.
 */
struct prefix prefix_of(
    const struct sockaddr *, unsigned ipv4_bits, unsigned ipv6_bits);

/*
 * Makes a prefix of no more bits than that out of one that may be anything:
 * PREFIX_NONE if it is no prefix of addresses.
 */
void prefix_shorten(struct prefix *, unsigned ipv4_bits, unsigned ipv6_bits);

bool prefix_has(const struct prefix *, const struct sockaddr *);

/* True when one of n has the address. */
bool prefixes_have(const struct prefix *, size_t n, const struct sockaddr *);

#endif
