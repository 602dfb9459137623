/* SPDX-License-Identifier: ISC */
/*
 * What the fuzzer runs for each input to proxy_parse, by the names that
 * libFuzzer asks for.  The input is what has come of a connection.
 *
 * A header must come to the same whatever is there of the text behind it, and
 * whoever has only a part of it must wait for more.  What is malformed stays so
 * with more bytes.  Nothing may be read that is not there: each call gets
 * memory that has no byte to spare.
 */
#include "config.h"

#include "fuzz/target.h"
#include "net/proxy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
must(bool holds, const char *sentence)
{
	if (holds)
		return;
	(void)fprintf(stderr, "%s\n", sentence);
	abort();
}

static enum proxy_outcome
parse(const uint8_t *bytes, size_t n, struct proxy_header *header)
{
	uint8_t *exact = malloc(n);
	must(n == 0 || exact != NULL, "there is no memory");
	if (n > 0)
		memcpy(exact, bytes, n);
	enum proxy_outcome outcome = proxy_parse(exact, n, header);
	free(exact);
	return outcome;
}

/* All that is shorter has to wait. */
static void
check_parts(const uint8_t *bytes, size_t n)
{
	struct proxy_header header;
	for (size_t i = 0; i < n; i++)
		must(parse(bytes, i, &header) == PROXY_INCOMPLETE,
		    "a part of a header is not incomplete");
}

static void
check_complete(
    const uint8_t *bytes, size_t n, const struct proxy_header *header)
{
	struct proxy_header alone;
	sa_family_t family = header->client.any.sa_family;
	must(header->length <= n, "a header is longer than what is there");
	must(header->length <= PROXY_HEADER_MAX, "a header is too long");
	must(family == AF_UNSPEC || family == AF_INET || family == AF_INET6,
	    "a client has an address of another family");
	must(parse(bytes, header->length, &alone) == PROXY_COMPLETE,
	    "a header is not complete without the text behind it");
	must(alone.length == header->length &&
		 memcmp(&alone.client, &header->client, sizeof alone.client) ==
		     0,
	    "a header is another without the text behind it");
	check_parts(bytes, header->length);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t n)
{
	struct proxy_header header, longer;
	uint8_t *more = malloc(n + 1);
	enum proxy_outcome outcome = parse(input, n, &header);
	must(more != NULL, "there is no memory");
	if (n > 0)
		memcpy(more, input, n);
	more[n] = '\n';
	enum proxy_outcome then = parse(more, n + 1, &longer);
	free(more);
	switch (outcome) {
	case PROXY_INCOMPLETE:
		must(n < PROXY_HEADER_MAX, "too much is waited for");
		check_parts(input, n);
		break;
	case PROXY_COMPLETE:
		must(then == PROXY_COMPLETE && longer.length == header.length,
		    "the text behind a header changes it");
		check_complete(input, n, &header);
		break;
	case PROXY_MALFORMED:
		must(header.reason != NULL, "it is malformed for no reason");
		must(then == PROXY_MALFORMED,
		    "what is malformed is right with another byte");
		break;
	}
	return 0;
}
