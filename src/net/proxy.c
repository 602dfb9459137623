/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

/* The longest line of version 1, its end included. */
enum { LINE_MAX_V1 = 107 };

/* In version 2: what stands before the addresses, and before a value. */
enum { FIXED_V2 = 16, FIXED_TLV = 3 };

static const char line_begin[] = "PROXY ";

static const unsigned char signature[12] = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

/* A part of the line: what stands between two blanks. */
struct word {
	const unsigned char *begin;
	size_t length;
};

static enum proxy_outcome
refuse(struct proxy_header *header, const char *reason)
{
	header->reason = reason;
	return PROXY_MALFORMED;
}

static bool
begins_with(const unsigned char *bytes, size_t n, const void *with, size_t most)
{
	return memcmp(bytes, with, n < most ? n : most) == 0;
}

/* Cuts the first word, and the blank behind it, from the rest of a line. */
static struct word
cut_word(struct word *rest)
{
	const unsigned char *blank = memchr(rest->begin, ' ', rest->length);
	struct word word = *rest;
	if (blank == NULL) {
		rest->length = 0;
		return word;
	}
	word.length = (size_t)(blank - rest->begin);
	rest->begin += word.length + 1;
	rest->length -= word.length + 1;
	return word;
}

static bool
is_word(const struct word *word, const char *text)
{
	return word->length == strlen(text) &&
	       memcmp(word->begin, text, word->length) == 0;
}

static bool
parse_address(const struct word *word, int family, void *address)
{
	char text[INET6_ADDRSTRLEN];
	/* A zero would end the text early. */
	if (word->length >= sizeof text ||
	    memchr(word->begin, '\0', word->length) != NULL)
		return false;
	memcpy(text, word->begin, word->length);
	text[word->length] = '\0';
	return inet_pton(family, text, address) == 1;
}

/* Digits without leading zeros, up to 65535. */
static bool
parse_port(const struct word *word, in_port_t *port)
{
	unsigned long number = 0;
	if (word->length == 0 || word->length > 5 ||
	    (word->length > 1 && word->begin[0] == '0'))
		return false;
	for (size_t i = 0; i < word->length; i++) {
		if (word->begin[i] < '0' || word->begin[i] > '9')
			return false;
		number = 10 * number + (word->begin[i] - (unsigned)'0');
	}
	*port = htons((uint16_t)number);
	return number <= UINT16_MAX;
}

/* The addresses and ports of both ends, of which only those of one count. */
static enum proxy_outcome
parse_ends(struct word rest, int family, struct proxy_header *header)
{
	struct in6_addr addresses[2];
	in_port_t ports[2];
	struct word words[4] = {{NULL, 0}};
	for (int i = 0; i < 4; i++)
		words[i] = cut_word(&rest);
	/* A last blank leaves nothing behind it, but has no place either. */
	if (rest.length != 0 || rest.begin != words[3].begin)
		return refuse(header, "it has more than two addresses and "
				      "two ports");
	for (int i = 0; i < 2; i++) {
		if (!parse_address(&words[i], family, &addresses[i]))
			return refuse(header, "it has an address that is none");
		if (!parse_port(&words[2 + i], &ports[i]))
			return refuse(header, "it has a port that is none");
	}
	if (family == AF_INET) {
		header->client.ipv4.sin_family = AF_INET;
		header->client.ipv4.sin_port = ports[0];
		memcpy(&header->client.ipv4.sin_addr, &addresses[0],
		    sizeof header->client.ipv4.sin_addr);
	} else {
		header->client.ipv6.sin6_family = AF_INET6;
		header->client.ipv6.sin6_port = ports[0];
		header->client.ipv6.sin6_addr = addresses[0];
	}
	return PROXY_COMPLETE;
}

static enum proxy_outcome
parse_line(const unsigned char *bytes, size_t n, struct proxy_header *header)
{
	const size_t begin = sizeof line_begin - 1;
	size_t most = n < LINE_MAX_V1 ? n : LINE_MAX_V1;
	if (!begins_with(bytes, n, line_begin, begin))
		return refuse(header, "it begins like no header");
	const unsigned char *end = memchr(bytes, '\n', most);
	if (end == NULL)
		return n < LINE_MAX_V1 ? PROXY_INCOMPLETE
				       : refuse(header, "its line is too long");
	if (end[-1] != '\r')
		return refuse(header, "its line ends without a CR");
	header->length = (size_t)(end - bytes) + 1;
	struct word rest = {
	    .begin = bytes + begin,
	    .length = header->length - begin - 2,
	};
	struct word protocol = cut_word(&rest);
	/* Whatever stands behind that word has no meaning. */
	if (is_word(&protocol, "UNKNOWN"))
		return PROXY_COMPLETE;
	if (is_word(&protocol, "TCP4"))
		return parse_ends(rest, AF_INET, header);
	if (is_word(&protocol, "TCP6"))
		return parse_ends(rest, AF_INET6, header);
	return refuse(header, "its protocol is not TCP4, TCP6 or UNKNOWN");
}

/* What stands behind the addresses: types, lengths and values. */
static bool
fills_exactly(const unsigned char *bytes, size_t n)
{
	while (n >= FIXED_TLV) {
		size_t length = FIXED_TLV + ((size_t)bytes[1] << 8 | bytes[2]);
		if (length > n)
			return false;
		bytes += length;
		n -= length;
	}
	return n == 0;
}

/* The bytes of both addresses and ports, and whether they are of TCP. */
static const struct family {
	unsigned char number, size;
	int family;
} families[] = {
    {0x11, 12, AF_INET},
    {0x12, 12, AF_UNSPEC}, /* UDP */
    {0x21, 36, AF_INET6},
    {0x22, 36, AF_UNSPEC},
    {0x31, 216, AF_UNSPEC}, /* sockets of UNIX, of both kinds */
    {0x32, 216, AF_UNSPEC},
};

static const struct family *
find_family(unsigned char number)
{
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		if (families[i].number == number)
			return &families[i];
	}
	return NULL;
}

/* The client is the first of the two ends. */
static void
take_client(struct proxy_header *header, int family, const unsigned char *ends)
{
	if (family == AF_INET) {
		header->client.ipv4.sin_family = AF_INET;
		memcpy(&header->client.ipv4.sin_addr, ends, 4);
		memcpy(&header->client.ipv4.sin_port, ends + 8, 2);
	} else if (family == AF_INET6) {
		header->client.ipv6.sin6_family = AF_INET6;
		memcpy(&header->client.ipv6.sin6_addr, ends, 16);
		memcpy(&header->client.ipv6.sin6_port, ends + 32, 2);
	}
}

/* What stands behind the length, which is whole. */
static enum proxy_outcome
parse_block(const unsigned char *bytes, size_t n, struct proxy_header *header)
{
	bool is_local = (bytes[12] & 0xf) == 0;
	const struct family *family = find_family(bytes[13]);
	const unsigned char *block = bytes + FIXED_V2;
	header->length = n;
	/* Without a family nobody knows what stands there. */
	if (is_local || bytes[13] == 0)
		return PROXY_COMPLETE;
	n -= FIXED_V2;
	if (!fills_exactly(block + family->size, n - family->size))
		return refuse(header, "its last value does not end where it "
				      "ends");
	take_client(header, family->family, block);
	return PROXY_COMPLETE;
}

/* Refuses as soon as a byte is there that no header can have. */
static enum proxy_outcome
parse_binary(const unsigned char *bytes, size_t n, struct proxy_header *header)
{
	if (!begins_with(bytes, n, signature, sizeof signature))
		return refuse(header, "it begins like no header");
	if (n > 12 && bytes[12] >> 4 != 2)
		return refuse(header, "its version is unknown");
	if (n > 12 && (bytes[12] & 0xf) > 1)
		return refuse(header, "its command is unknown");
	bool is_local = n > 12 && (bytes[12] & 0xf) == 0;
	const struct family *family = n > 13 ? find_family(bytes[13]) : NULL;
	if (n > 13 && !is_local && bytes[13] != 0 && family == NULL)
		return refuse(header, "its family or protocol is unknown");
	if (n < FIXED_V2)
		return PROXY_INCOMPLETE;
	size_t length = (size_t)bytes[14] << 8 | bytes[15];
	if (FIXED_V2 + length > PROXY_HEADER_MAX)
		return refuse(header, "it is too long");
	if (!is_local && family != NULL && length < family->size)
		return refuse(header, "its length leaves no room for its "
				      "addresses");
	if (n < FIXED_V2 + length)
		return PROXY_INCOMPLETE;
	return parse_block(bytes, FIXED_V2 + length, header);
}

enum proxy_outcome
proxy_parse(const unsigned char *bytes, size_t n, struct proxy_header *header)
{
	memset(header, 0, sizeof *header);
	header->client.any.sa_family = AF_UNSPEC;
	if (n == 0)
		return PROXY_INCOMPLETE;
	return bytes[0] == signature[0] ? parse_binary(bytes, n, header)
					: parse_line(bytes, n, header);
}
