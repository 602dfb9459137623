/* SPDX-License-Identifier: ISC */
/*
 * The head of a request of HTTP/1.1 (RFC 9112), read byte by byte as it comes.
 * Of it only what is needed for an answer is kept, so it takes no memory but
 * this structure.
 *
 * It is stricter than it might be, as whoever asks for metrics writes right
 * requests: a line ends with CR and LF, a header is not continued in the next
 * line, and no control byte is let through.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of a head, with the empty line at its end. */
#define HTTP_HEAD_MAX 4096

/* Room for the target, and for the value of Host, their ends included. */
#define HTTP_TARGET_MAX 1024
#define HTTP_HOST_MAX   264

/* More than the longest name or word that means something to us. */
#define HTTP_WORD_MAX 20

/* Where in the head the next byte is. */
enum http_place {
	HTTP_BEFORE, /* the request line; empty lines may come first */
	HTTP_BEFORE_LF,
	HTTP_METHOD,
	HTTP_TARGET,
	HTTP_VERSION,
	HTTP_LINE_LF,
	HTTP_NAME_FIRST, /* of a header, or of the end of the head */
	HTTP_NAME,
	HTTP_VALUE,
	HTTP_VALUE_LF,
	HTTP_END_LF,
	HTTP_NPLACES
};

/* The headers that mean something to us. */
enum http_header {
	HTTP_HEADER_HOST,
	HTTP_HEADER_LENGTH,
	HTTP_HEADER_ENCODING,
	HTTP_NHEADERS,
	HTTP_HEADER_OTHER = HTTP_NHEADERS
};

struct http_request {
	int status; /* 0: there is more to come */
	enum http_place place;
	enum http_header header; /* whose value is being read */
	size_t length;           /* of the head so far */
	bool is_get, is_head;
	unsigned minor;               /* of the version 1 */
	bool has_authority;           /* host is from the target */
	bool seen[HTTP_NHEADERS];     /* these headers came */
	char word[HTTP_WORD_MAX];     /* the method, version or name */
	size_t nword;                 /* may be more than has room */
	char target[HTTP_TARGET_MAX]; /* the path, once it is complete */
	size_t ntarget;
	char host[HTTP_HOST_MAX];
	size_t nhost;
};

void http_request_init(struct http_request *);

/*
 * Takes the next bytes; what comes after the head is left out.  Returns 0 while
 * the head is not complete, then 200 for a GET or HEAD, or else the status of
 * the answer, which never changes:
 *
 *	400	it is no request of HTTP, or one that could mean two things
 *	405	the method is neither GET nor HEAD
 *	414	the target is too long
 *	431	the head is too long
 *	505	the version is not 1
 */
int http_request_read(struct http_request *, const void *bytes, size_t n);

/*
 * Whether somebody who asks for that host means this server: 200 for an
 * address, for localhost, and for its own name, unless that is empty; 421 for
 * another host, whose owner may only pretend that it is this one (DNS
 * rebinding); 400 for what is no host.
 */
int http_host_check(const char *host, const char *own);

#endif
