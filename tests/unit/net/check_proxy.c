/* SPDX-License-Identifier: ISC */
/* Headers of the PROXY protocol: every split, every corruption, every length.
 */
#include "config.h"

#include "net/address.h"
#include "net/proxy.h"
#include "unit/runner.h"

#include <arpa/inet.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ENDS_IPV4 "\xc0\0\2\7\xc6\x33\x64\1\x30\x39\x14\x64"
#define ENDS_IPV6                                                              \
	"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\7"                                \
	"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x30\x39\x14\x64"
#define TLVS "\4\0\2\0\0\2\0\4name"

#define HEADER(text, client)                                                   \
	{                                                                      \
		text, sizeof(text) - 1, client                                 \
	}

/* A client of NULL: it has no address of IP. */
static const struct sample {
	const char *bytes;
	size_t n;
	const char *client;
} good[] = {
    HEADER(
	"PROXY TCP4 192.0.2.7 198.51.100.1 12345 5220\r\n", "192.0.2.7:12345"),
    HEADER("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
	"255.255.255.255:65535"),
    HEADER("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"),
    HEADER("PROXY TCP6 2001:db8::7 2001:db8::1 12345 5220\r\n",
	"[2001:db8::7]:12345"),
    HEADER("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "[::ffff:192.0.2.7]:1"),
    HEADER("PROXY UNKNOWN\r\n", NULL),
    HEADER("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	NULL),
    HEADER("PROXY UNKNOWN  any\rthing\r\n", NULL),
    HEADER(SIGNATURE "\x21\x11\0\14" ENDS_IPV4, "192.0.2.7:12345"),
    HEADER(SIGNATURE "\x21\x11\0\30" ENDS_IPV4 TLVS, "192.0.2.7:12345"),
    HEADER(SIGNATURE "\x21\x21\0\44" ENDS_IPV6, "[2001:db8::7]:12345"),
    HEADER(SIGNATURE "\x21\x21\0\60" ENDS_IPV6 TLVS, "[2001:db8::7]:12345"),
    HEADER(SIGNATURE "\x21\x12\0\14" ENDS_IPV4, NULL),
    HEADER(SIGNATURE "\x21\x22\0\44" ENDS_IPV6, NULL),
    HEADER(SIGNATURE "\x21\0\0\0", NULL),
    HEADER(SIGNATURE "\x21\0\0\5bytes", NULL),
    HEADER(SIGNATURE "\x20\0\0\0", NULL),
    HEADER(SIGNATURE "\x20\x11\0\14" ENDS_IPV4, NULL),
    HEADER(SIGNATURE "\x20\xff\0\1x", NULL),
};

static const struct sample bad[] = {
    HEADER("H", "it begins like no header"),
    HEADER("proxy TCP4", "it begins like no header"),
    HEADER("PROXY\t", "it begins like no header"),
    HEADER("PROXY UNKNOWN\n", "its line ends without a CR"),
    HEADER("PROXY UNKNOWNS\r\n", "its protocol is not TCP4, TCP6 or UNKNOWN"),
    HEADER("PROXY \r\n", "its protocol is not TCP4, TCP6 or UNKNOWN"),
    HEADER("PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n",
	"its protocol is not TCP4, TCP6 or UNKNOWN"),
    HEADER("PROXY tcp4 192.0.2.7 192.0.2.1 1 2\r\n",
	"its protocol is not TCP4, TCP6 or UNKNOWN"),
    HEADER("PROXY  TCP4 192.0.2.7 192.0.2.1 1 2\r\n",
	"its protocol is not TCP4, TCP6 or UNKNOWN"),
    HEADER("PROXY TCP4\r\n", "it has an address that is none"),
    HEADER("PROXY TCP4 192.0.2.7  192.0.2.1 1 2\r\n",
	"it has more than two addresses and two ports"),
    HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 \r\n",
	"it has more than two addresses and two ports"),
    HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n",
	"it has more than two addresses and two ports"),
    HEADER("PROXY TCP4 192.0.2.07 192.0.2.1 1 2\r\n",
	"it has an address that is none"),
    HEADER("PROXY TCP4 192.0.2.7 192.0.2.1\0 1 2\r\n",
	"it has an address that is none"),
    HEADER(
	"PROXY TCP4 192.0.2.7 ::1 1 2\r\n", "it has an address that is none"),
    HEADER("PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n",
	"it has an address that is none"),
    HEADER(
	"PROXY TCP6 fe80::1%lo ::1 1 2\r\n", "it has an address that is none"),
    HEADER(
	"PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n", "it has a port that is none"),
    HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n",
	"it has a port that is none"),
    HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n",
	"it has a port that is none"),
    HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 +1 2\r\n",
	"it has a port that is none"),
    HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\r\n",
	"it has a port that is none"),
    HEADER("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n",
	"its line is too long"),
    HEADER("\r\n\r\n\r", "it begins like no header"),
    HEADER(SIGNATURE "\x11", "its version is unknown"),
    HEADER(SIGNATURE "\x22", "its command is unknown"),
    HEADER(SIGNATURE "\x21\x10", "its family or protocol is unknown"),
    HEADER(SIGNATURE "\x21\x41", "its family or protocol is unknown"),
    HEADER(SIGNATURE "\x21\x11\x0f\xf1", "it is too long"),
    HEADER(SIGNATURE "\x20\x11\xff\xff", "it is too long"),
    HEADER(SIGNATURE "\x21\x11\0\13",
	"its length leaves no room for its addresses"),
    HEADER(SIGNATURE "\x21\x31\0\x24",
	"its length leaves no room for its addresses"),
    HEADER(SIGNATURE "\x21\x11\0\16" ENDS_IPV4 "\4\0",
	"its last value does not end where it ends"),
    HEADER(SIGNATURE "\x21\x11\0\17" ENDS_IPV4 "\4\0\1t",
	"its last value does not end where it ends"),
};

/* Of memory that has no byte to spare, so that reading on would be seen. */
static enum proxy_outcome
parse(const void *bytes, size_t n, struct proxy_header *header)
{
	unsigned char *exact = malloc(n == 0 ? 1 : n);
	ck_assert_ptr_nonnull(exact);
	memcpy(exact, bytes, n);
	memset(header, 0xff, sizeof *header);
	enum proxy_outcome outcome = proxy_parse(exact, n, header);
	free(exact);
	return outcome;
}

static void
expect_client(const struct proxy_header *header, const char *client)
{
	char text[ADDRESS_TEXT_MAX];
	if (client == NULL)
		ck_assert_int_eq(header->client.any.sa_family, AF_UNSPEC);
	else
		ck_assert_str_eq(
		    address_format(&header->client.any, text), client);
}

START_TEST(a_header_is_complete_with_its_last_byte_and_not_before)
{
	const struct sample *sample = &good[_i];
	struct proxy_header header;
	for (size_t n = 0; n < sample->n; n++)
		ck_assert_msg(
		    parse(sample->bytes, n, &header) == PROXY_INCOMPLETE,
		    "header %d, %zu bytes", _i, n);
	ck_assert_int_eq(
	    parse(sample->bytes, sample->n, &header), PROXY_COMPLETE);
	ck_assert_uint_eq(header.length, sample->n);
	expect_client(&header, sample->client);
}
END_TEST

START_TEST(the_text_behind_a_header_does_not_belong_to_it)
{
	const struct sample *sample = &good[_i];
	static const char *const texts[] = {
	    "a", "\n", "\r\n", "PROXY UNKNOWN\r\n", "\4\0\1t", SIGNATURE};
	struct proxy_header header;
	for (int i = 0; i < LENGTH(texts); i++) {
		char both[512];
		size_t n = strlen(texts[i]);
		memcpy(both, sample->bytes, sample->n);
		memcpy(both + sample->n, texts[i], n);
		ck_assert_int_eq(
		    parse(both, sample->n + n, &header), PROXY_COMPLETE);
		ck_assert_uint_eq(header.length, sample->n);
		expect_client(&header, sample->client);
	}
}
END_TEST

START_TEST(what_is_no_header_is_malformed_for_a_reason)
{
	const struct sample *sample = &bad[_i];
	struct proxy_header header;
	ck_assert_msg(
	    parse(sample->bytes, sample->n, &header) == PROXY_MALFORMED, "%d",
	    _i);
	ck_assert_str_eq(header.reason, sample->client);
}
END_TEST

/*
 * What a header of version 1 comes to, by way of expressions.  The length is
 * that of the line, and family that of its addresses.
 */
static enum proxy_outcome
judge_line(const unsigned char *bytes, size_t n, int *family)
{
#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IPV4  OCTET "\\." OCTET "\\." OCTET "\\." OCTET
#define PORT                                                                   \
	"(0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|"     \
	"655[0-2][0-9]|6553[0-5])"
	static const struct {
		const char *expression;
		int family;
	} kinds[] = {
	    {"^PROXY UNKNOWN( [^\n]*)?\r\n", AF_UNSPEC},
	    {"^PROXY TCP4 " IPV4 " " IPV4 " " PORT " " PORT "\r\n", AF_INET},
	    {"^PROXY TCP6 ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) " PORT " " PORT
	     "\r\n",
		AF_INET6},
	};
	char line[512];
	memcpy(line, bytes, n);
	line[n] = '\0';
	for (size_t i = 0; i < n; i++)
		line[i] = line[i] == '\0' ? '\1' : line[i];
	if (n > 107)
		line[107] = '\0';
	if (strncmp(line, "PROXY ", 6) != 0)
		return PROXY_MALFORMED;
	if (strchr(line, '\n') == NULL)
		return n < 107 ? PROXY_INCOMPLETE : PROXY_MALFORMED;
	for (int i = 0; i < LENGTH(kinds); i++) {
		static regex_t compiled[LENGTH(kinds)];
		static bool is_compiled[LENGTH(kinds)];
		regmatch_t found[3];
		if (!is_compiled[i])
			ck_assert_int_eq(regcomp(&compiled[i],
					     kinds[i].expression, REG_EXTENDED),
			    0);
		is_compiled[i] = true;
		if (regexec(&compiled[i], line, 3, found, 0) != 0)
			continue;
		*family = kinds[i].family;
		for (int j = 1; j < 3 && *family == AF_INET6; j++) {
			struct in6_addr address;
			line[found[j].rm_eo] = '\0';
			if (inet_pton(
				AF_INET6, line + found[j].rm_so, &address) != 1)
				return PROXY_MALFORMED;
		}
		return PROXY_COMPLETE;
	}
	return PROXY_MALFORMED;
}

/* The same for one of version 2, of which at least the length is there. */
static enum proxy_outcome
judge_binary(const unsigned char *bytes, size_t n, int *family)
{
	size_t length = 16 + 256U * bytes[14] + bytes[15], at;
	if (memcmp(bytes, SIGNATURE, 12) != 0 || length > 4096)
		return PROXY_MALFORMED;
	*family = AF_UNSPEC;
	if (bytes[12] == 0x20)
		return n < length ? PROXY_INCOMPLETE : PROXY_COMPLETE;
	if (bytes[12] != 0x21)
		return PROXY_MALFORMED;
	switch (bytes[13]) {
	case 0x00:
		return n < length ? PROXY_INCOMPLETE : PROXY_COMPLETE;
	case 0x11:
		*family = AF_INET;
		/* Fall through. */
	case 0x12:
		at = 16 + 12;
		break;
	case 0x21:
		*family = AF_INET6;
		/* Fall through. */
	case 0x22:
		at = 16 + 36;
		break;
	case 0x31:
	case 0x32:
		at = 16 + 216;
		break;
	default:
		return PROXY_MALFORMED;
	}
	if (at > length)
		return PROXY_MALFORMED;
	if (n < length)
		return PROXY_INCOMPLETE;
	while (at + 3 <= length)
		at += 3 + 256U * bytes[at + 1] + bytes[at + 2];
	return at == length ? PROXY_COMPLETE : PROXY_MALFORMED;
}

static void
compare(const unsigned char *bytes, size_t n, int header_number, size_t place)
{
	struct proxy_header header;
	int family = AF_UNSPEC;
	enum proxy_outcome outcome = parse(bytes, n, &header);
	enum proxy_outcome expected = bytes[0] == '\r'
					  ? judge_binary(bytes, n, &family)
					  : judge_line(bytes, n, &family);
	ck_assert_msg(outcome == expected, "header %d, byte %zu as %u: %u",
	    header_number, place, bytes[place], outcome);
	if (outcome == PROXY_COMPLETE)
		ck_assert_int_eq(header.client.any.sa_family, family);
	if (outcome == PROXY_MALFORMED)
		ck_assert_ptr_nonnull(header.reason);
}

START_TEST(a_header_with_one_other_byte_is_what_the_oracle_says)
{
	const struct sample *sample = &good[_i];
	unsigned char bytes[512];
	memcpy(bytes, sample->bytes, sample->n);
	for (size_t place = 0; place < sample->n; place++) {
		unsigned char saved = bytes[place];
		for (unsigned value = 0; value < 256; value++) {
			bytes[place] = (unsigned char)value;
			compare(bytes, sample->n, _i, place);
		}
		bytes[place] = saved;
	}
}
END_TEST

START_TEST(a_value_that_does_not_fill_the_length_is_malformed)
{
	static const size_t sizes[] = {12, 36, 216};
	static const unsigned char families[] = {0x11, 0x21, 0x32};
	unsigned char bytes[512] = SIGNATURE;
	bytes[12] = 0x21;
	bytes[13] = families[_i];
	for (size_t behind = 0; behind <= 40; behind++) {
		size_t length = sizes[_i] + behind;
		bytes[15] = (unsigned char)length;
		for (unsigned said = 0; said <= 300; said++) {
			unsigned char *value = bytes + 16 + sizes[_i];
			value[1] = (unsigned char)(said / 256);
			value[2] = (unsigned char)said;
			compare(bytes, 16 + length, _i, 15);
		}
	}
}
END_TEST

START_TEST(a_length_is_taken_up_to_the_limit)
{
	static const unsigned char kinds[][2] = {{0x20, 0}, {0x21, 0},
	    {0x21, 0x11}, {0x21, 0x12}, {0x21, 0x21}, {0x21, 0x32}};
	/* The values are without a length: those of type and length 0. */
	static unsigned char bytes[16 + 4100 + 16] = SIGNATURE;
	bytes[12] = kinds[_i][0];
	bytes[13] = kinds[_i][1];
	for (size_t length = 0; length <= 4100; length++) {
		bytes[14] = (unsigned char)(length / 256);
		bytes[15] = (unsigned char)length;
		compare(bytes, 16 + length, _i, 15);
		compare(bytes, sizeof bytes, _i, 15);
		if (length > 0)
			compare(bytes, 16 + length - 1, _i, 15);
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("proxy");
	TCase *proxy = tcase_create("proxy");
	tcase_set_timeout(proxy, 60);
	tcase_add_loop_test(proxy,
	    a_header_is_complete_with_its_last_byte_and_not_before, 0,
	    LENGTH(good));
	tcase_add_loop_test(proxy,
	    the_text_behind_a_header_does_not_belong_to_it, 0, LENGTH(good));
	tcase_add_loop_test(
	    proxy, what_is_no_header_is_malformed_for_a_reason, 0, LENGTH(bad));
	tcase_add_loop_test(proxy,
	    a_header_with_one_other_byte_is_what_the_oracle_says, 0,
	    LENGTH(good));
	tcase_add_loop_test(
	    proxy, a_value_that_does_not_fill_the_length_is_malformed, 0, 3);
	tcase_add_loop_test(proxy, a_length_is_taken_up_to_the_limit, 0, 6);
	suite_add_tcase(suite, proxy);
	return suite;
}
