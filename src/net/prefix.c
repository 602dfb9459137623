/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/prefix.h"

#include <netinet/in.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const char *const words[] = {
    [PREFIX_NONE] = "none",
    [PREFIX_ALL] = "all",
    [PREFIX_LOOPBACK] = "loopback",
};

#define NWORDS (sizeof words / sizeof words[0])

/* What stands before an IPv4 address in an IPv6 one. */
static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static unsigned
bits_of(enum prefix_kind kind)
{
	return kind == PREFIX_IPV4 ? 32 : 128;
}

/* Makes all bits 0 but the first ones; true if they were so before. */
static bool
cut(struct prefix *prefix, unsigned bits)
{
	bool was_cut = true;
	prefix->bits = (uint8_t)bits;
	for (unsigned i = 0; i < sizeof prefix->bytes; i++) {
		unsigned left = bits > 8 * i ? bits - 8 * i : 0;
		unsigned mask = left >= 8 ? 0xff : 0xff00U >> left & 0xff;
		was_cut = was_cut && (prefix->bytes[i] & ~mask) == 0;
		prefix->bytes[i] &= (unsigned char)mask;
	}
	return was_cut;
}

/* One or more digits, without a sign; -1: something else, or too many. */
static int
parse_bits(const char *text)
{
	int bits = 0;
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n > 3 || text[n] != '\0' || (n > 1 && text[0] == '0'))
		return -1;
	for (; *text != '\0'; text++)
		bits = 10 * bits + (*text - '0');
	return bits;
}

/* A whole address, of all its bits. */
static int
parse_address(struct prefix *prefix, const char *text)
{
	if (inet_pton(AF_INET, text, prefix->bytes) == 1)
		prefix->kind = PREFIX_IPV4;
	else if (inet_pton(AF_INET6, text, prefix->bytes) == 1)
		prefix->kind = PREFIX_IPV6;
	else
		return -1;
	/* It would have no address, as these are IPv4 here. */
	if (prefix->kind == PREFIX_IPV6 &&
	    memcmp(prefix->bytes, mapped, sizeof mapped) == 0)
		return -1;
	prefix->bits = (uint8_t)bits_of((enum prefix_kind)prefix->kind);
	return 0;
}

int
prefix_parse(struct prefix *prefix, const char *text)
{
	struct prefix found = {.kind = PREFIX_NONE};
	for (unsigned i = 0; i < NWORDS; i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		*prefix = (struct prefix){.kind = (uint8_t)i};
		return 0;
	}
	char address[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	if (length >= sizeof address)
		return -1;
	memcpy(address, text, length);
	address[length] = '\0';
	if (parse_address(&found, address) == -1)
		return -1;
	if (text[length] == '/') {
		int bits = parse_bits(text + length + 1);
		if (bits < 0 || (unsigned)bits > found.bits ||
		    !cut(&found, (unsigned)bits))
			return -1;
	}
	*prefix = found;
	return 0;
}

const char *
prefix_format(const struct prefix *prefix, char text[static PREFIX_TEXT_MAX])
{
	enum prefix_kind kind = (enum prefix_kind)prefix->kind;
	if (prefix->kind < NWORDS) {
		(void)snprintf(
		    text, PREFIX_TEXT_MAX, "%s", words[prefix->kind]);
		return text;
	}
	char address[INET6_ADDRSTRLEN] = "";
	(void)inet_ntop(kind == PREFIX_IPV4 ? AF_INET : AF_INET6, prefix->bytes,
	    address, sizeof address);
	if (prefix->bits == bits_of(kind))
		(void)snprintf(text, PREFIX_TEXT_MAX, "%s", address);
	else
		(void)snprintf(
		    text, PREFIX_TEXT_MAX, "%s/%u", address, prefix->bits);
	return text;
}

struct prefix
prefix_of(
    const struct sockaddr *address, unsigned ipv4_bits, unsigned ipv6_bits)
{
	struct prefix prefix = {.kind = PREFIX_NONE};
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *ipv4 = (const void *)address;
		prefix.kind = PREFIX_IPV4;
		memcpy(prefix.bytes, &ipv4->sin_addr, sizeof ipv4->sin_addr);
	} else if (address->sa_family == AF_INET6) {
		const unsigned char *bytes =
		    ((const struct sockaddr_in6 *)(const void *)address)
			->sin6_addr.s6_addr;
		if (memcmp(bytes, mapped, sizeof mapped) == 0) {
			prefix.kind = PREFIX_IPV4;
			memcpy(prefix.bytes, bytes + sizeof mapped, 4);
		} else {
			prefix.kind = PREFIX_IPV6;
			memcpy(prefix.bytes, bytes, sizeof prefix.bytes);
		}
	}
	if (prefix.kind != PREFIX_NONE)
		(void)cut(&prefix,
		    prefix.kind == PREFIX_IPV4 ? ipv4_bits : ipv6_bits);
	return prefix;
}

void
prefix_shorten(struct prefix *prefix, unsigned ipv4_bits, unsigned ipv6_bits)
{
	bool is_ipv4 = prefix->kind == PREFIX_IPV4;
	unsigned bits = is_ipv4 ? ipv4_bits : ipv6_bits;
	if (!is_ipv4 && prefix->kind != PREFIX_IPV6)
		*prefix = (struct prefix){.kind = PREFIX_NONE};
	else
		(void)cut(prefix, prefix->bits < bits ? prefix->bits : bits);
}

/* Of an address that is not mapped. */
static bool
is_loopback(const struct prefix *whole)
{
	static const unsigned char ipv6[16] = {[15] = 1};
	if (whole->kind == PREFIX_IPV4)
		return whole->bytes[0] == 127;
	return whole->kind == PREFIX_IPV6 &&
	       memcmp(whole->bytes, ipv6, sizeof ipv6) == 0;
}

bool
prefix_has(const struct prefix *prefix, const struct sockaddr *address)
{
	switch ((enum prefix_kind)prefix->kind) {
	case PREFIX_NONE:
		return false;
	case PREFIX_ALL:
		return true;
	case PREFIX_LOOPBACK: {
		const struct prefix whole = prefix_of(address, 32, 128);
		return is_loopback(&whole);
	}
	case PREFIX_IPV4:
	case PREFIX_IPV6:
		break;
	}
	const struct prefix own =
	    prefix_of(address, prefix->kind == PREFIX_IPV4 ? prefix->bits : 32,
		prefix->kind == PREFIX_IPV6 ? prefix->bits : 128);
	return own.kind == prefix->kind &&
	       memcmp(own.bytes, prefix->bytes, sizeof own.bytes) == 0;
}

bool
prefixes_have(
    const struct prefix *prefixes, size_t n, const struct sockaddr *address)
{
	size_t i = 0;
	while (i < n && !prefix_has(&prefixes[i], address))
		i++;
	return i < n;
}
