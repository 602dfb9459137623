/* SPDX-License-Identifier: ISC */
/* Heads of requests: right ones, wrong ones, and any way to cut them. */
#include "config.h"

#include "http/request.h"
#include "unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request of one line and the usual headers. */
#define LINE(line) line "\r\nHost: localhost\r\n\r\n"
/* One with other headers. */
#define GET(headers) "GET / HTTP/1.1\r\n" headers "\r\n"
#define HOST         "Host: localhost\r\n"

/* A text that may have NUL within, and the status that it gets. */
#define CASE(status, text)                                                     \
	{                                                                      \
		(text), sizeof(text) - 1, (status)                             \
	}

static const struct example {
	const char *text;
	size_t length;
	int status;
} right[] = {
    CASE(200, LINE("GET / HTTP/1.1")),
    CASE(200, LINE("HEAD / HTTP/1.1")),
    CASE(200, LINE("GET /metrics?name=a&b=%20 HTTP/1.1")),
    CASE(200, "GET / HTTP/1.0\r\n\r\n"),
    CASE(200, "\r\n\r\n" LINE("GET / HTTP/1.1")),
    CASE(200, LINE("GET / HTTP/1.9")),
    CASE(200, LINE("GET http://localhost/metrics HTTP/1.1")),
    CASE(200, LINE("GET HTTP://127.0.0.1:9522 HTTP/1.1")),
    CASE(200, LINE("GET http://[::1]:9522?x HTTP/1.1")),
    CASE(200, GET("host:localhost\r\n")),
    CASE(200, GET("HOST: \t localhost \t \r\n")),
    CASE(200, GET(HOST "Accept:\r\nX-1!#$%&'*+-.^_`|~: \x80\xff\t\r\n")),
    CASE(200, GET(HOST "Content-Length: 5\r\n") "hello"),
    CASE(200, GET(HOST "Transfer-Encoding: chunked\r\n") "0\r\n\r\n"),
    CASE(200, GET(HOST "Expect: 100-continue\r\n")),
    CASE(200, GET(HOST "Connection: keep-alive, Upgrade\r\n")),
    CASE(200, LINE("GET / HTTP/1.1") LINE("BAD")),
};

static const struct example wrong[] = {
    /* What is no request line. */
    CASE(400, " GET / HTTP/1.1\r\n"),
    CASE(400, "\nGET / HTTP/1.1\r\n"),
    CASE(400, "\r\r\nGET / HTTP/1.1\r\n"),
    CASE(400, "\r GET / HTTP/1.1\r\n"),
    CASE(400, "\r\n GET / HTTP/1.1\r\n"),
    CASE(400, "\0GET / HTTP/1.1\r\n"),
    CASE(400, "GET\r\n"),
    CASE(400, "GET\t/ HTTP/1.1\r\n"),
    CASE(400, "GE\0T / HTTP/1.1\r\n"),
    CASE(400, "G(T / HTTP/1.1\r\n"),
    CASE(400, "G\xc3\x89T / HTTP/1.1\r\n"),
    CASE(400, "\x16\x03\x01\x02"),
    CASE(400, "GET  / HTTP/1.1\r\n"),
    CASE(400, "GET / \r\n"),
    CASE(400, "GET /\r\n"),
    CASE(400, "GET /\nHost: localhost\n\n"),
    CASE(400, "GET /  HTTP/1.1\r\n"),
    CASE(400, "GET / HTTP/1.1 \r\n"),
    CASE(400, "GET / HTTP/1.1\n"),
    CASE(400, "GET / HTTP/1.1\r\r\n"),
    CASE(400, "GET / HTTP/1.1\rHost: localhost\r\n"),
    /* What is no version. */
    CASE(400, "GET / http/1.1\r\n"),
    CASE(400, "GET / HTTP/1\r\n"),
    CASE(400, "GET / HTTP/1.\r\n"),
    CASE(400, "GET / HTTP/.1\r\n"),
    CASE(400, "GET / HTTP/1,1\r\n"),
    CASE(400, "GET / HTTP/1.11\r\n"),
    CASE(400, "GET / HTTP/11.1\r\n"),
    CASE(400, "GET / HTTP/1.1x\r\n"),
    CASE(400, "GET / HTTP/a.1\r\n"),
    CASE(400, "GET / HTTPS/1.1\r\n"),
    CASE(400, "GET / ICY\r\n"),
    CASE(505, "GET / HTTP/0.9\r\n"),
    CASE(505, "GET / HTTP/2.0\r\n"),
    CASE(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    CASE(505, "GET / HTTP/9.9\r\n"),
    /* What is no target. */
    CASE(400, LINE("GET * HTTP/1.1")),
    CASE(400, LINE("GET metrics HTTP/1.1")),
    CASE(400, LINE("GET localhost:9522 HTTP/1.1")),
    CASE(400, LINE("GET https://localhost/ HTTP/1.1")),
    CASE(400, LINE("GET http:/metrics HTTP/1.1")),
    CASE(400, LINE("GET http:///metrics HTTP/1.1")),
    CASE(400, LINE("GET http://?x HTTP/1.1")),
    CASE(400, LINE("GET http:// HTTP/1.1")),
    CASE(400, LINE("GET /#top HTTP/1.1")),
    CASE(400, LINE("GET /\x7f HTTP/1.1")),
    CASE(400, LINE("GET /\x80 HTTP/1.1")),
    CASE(400, LINE("GET /a\tb HTTP/1.1")),
    CASE(400, LINE("GET /a\0b HTTP/1.1")),
    CASE(400, LINE("GET /\r HTTP/1.1")),
    /* Other methods. */
    CASE(405, LINE("POST / HTTP/1.1")),
    CASE(405, LINE("get / HTTP/1.1")),
    CASE(405, LINE("GETS / HTTP/1.1")),
    CASE(405, LINE("G / HTTP/1.1")),
    CASE(405, LINE("OPTIONS * HTTP/1.1")),
    CASE(405, LINE("CONNECT localhost:22 HTTP/1.1")),
    CASE(405, LINE("TRACE / HTTP/1.1")),
    CASE(405, LINE("A-METHOD-THAT-IS-LONGER-THAN-ANY / HTTP/1.1")),
    CASE(405, "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"),
    /* Host is missing, or there is more than one. */
    CASE(400, "GET / HTTP/1.1\r\n\r\n"),
    CASE(400, "POST / HTTP/1.1\r\n\r\n"),
    CASE(400, "GET http://localhost/ HTTP/1.1\r\n\r\n"),
    CASE(400, GET(HOST HOST)),
    CASE(400, GET(HOST "hOST: localhost\r\n")),
    CASE(400, "GET / HTTP/1.0\r\n" HOST HOST),
    CASE(400, GET("Hosts: localhost\r\n")),
    /* Headers of a wrong form. */
    CASE(400, GET(HOST "Accept\r\n")),
    CASE(400, GET(HOST ": value\r\n")),
    CASE(400, GET(HOST "Accept : a\r\n")),
    CASE(400, GET("Host : localhost\r\n")),
    CASE(400, GET(HOST "Ac cept: a\r\n")),
    CASE(400, GET(HOST "Acc\tept: a\r\n")),
    CASE(400, GET(HOST "(Accept): a\r\n")),
    CASE(400, GET(HOST "A\0: a\r\n")),
    CASE(400, GET(HOST "\xc3\x84: a\r\n")),
    CASE(400, GET(" " HOST)),
    CASE(400, GET(HOST " continued\r\n")),
    CASE(400, GET(HOST "\tcontinued\r\n")),
    CASE(400, GET(HOST "Accept: a\r\n b\r\n")),
    CASE(400, GET(HOST "Accept: a\0b\r\n")),
    CASE(400, GET(HOST "Accept: a\x01\r\n")),
    CASE(400, GET(HOST "Accept: a\x7f\r\n")),
    CASE(400, GET(HOST "Accept: a\n")),
    CASE(400, GET(HOST "Accept: a\rb\r\n")),
    CASE(400, GET(HOST "Accept: a\r\r\n")),

    CASE(400, "GET / HTTP/1.1\r\n" HOST "\n"),
    CASE(400, "GET / HTTP/1.1\r\n" HOST "\rx"),
    /* Bodies that could end at two places. */
    CASE(400, GET(HOST "Content-Length: 1\r\nContent-Length: 1\r\n")),
    CASE(400, GET(HOST "Content-Length: -1\r\n")),
    CASE(400, GET(HOST "Content-Length: +1\r\n")),
    CASE(400, GET(HOST "Content-Length: 1,1\r\n")),
    CASE(400, GET(HOST "Content-Length: 0x1\r\n")),
    CASE(400, GET(HOST "Content-Length: 1\r\nTransfer-Encoding: a\r\n")),
    CASE(400, GET(HOST "Transfer-Encoding: a\r\nTransfer-Encoding: b\r\n")),
};

static int
read_whole(const struct example *example)
{
	struct http_request request;
	http_request_init(&request);
	return http_request_read(&request, example->text, example->length);
}

/* In two pieces, of which the first has that length. */
static int
read_split(const struct example *example, size_t first)
{
	struct http_request request;
	http_request_init(&request);
	int status = http_request_read(&request, example->text, first);
	int then = http_request_read(
	    &request, example->text + first, example->length - first);
	ck_assert(status == 0 || status == then);
	return then;
}

static int
read_bytes(const struct example *example)
{
	struct http_request request;
	http_request_init(&request);
	for (size_t i = 0; i < example->length; i++)
		(void)http_request_read(&request, example->text + i, 1);
	return request.status;
}

static void
check(const struct example *example)
{
	ck_assert_msg(read_whole(example) == example->status, "%d for %s",
	    read_whole(example), example->text);
	for (size_t i = 0; i <= example->length; i++)
		ck_assert_int_eq(read_split(example, i), example->status);
	ck_assert_int_eq(read_bytes(example), example->status);
}

START_TEST(right_requests_are_understood_however_they_are_cut)
{
	for (int i = 0; i < LENGTH(right); i++)
		check(&right[i]);
}
END_TEST

START_TEST(wrong_requests_get_their_status_however_they_are_cut)
{
	ck_assert_int_ge(LENGTH(wrong), 60);
	for (int i = 0; i < LENGTH(wrong); i++)
		check(&wrong[i]);
}
END_TEST

START_TEST(no_right_request_is_complete_before_its_end)
{
	for (int i = 0; i < 4; i++) {
		struct example part = right[i];
		for (part.length--; part.length > 0; part.length--)
			ck_assert_int_eq(read_whole(&part), 0);
	}
}
END_TEST

START_TEST(what_was_asked_is_kept)
{
	static const struct {
		const char *text, *target, *host;
		bool is_head;
	} examples[] = {
	    {"GET /metrics?a=b HTTP/1.1\r\nHost: h:1\r\n\r\n", "/metrics",
		"h:1", false},
	    {"HEAD / HTTP/1.1\r\nA: b\r\nhost:\t h \t\r\nC: d\r\n\r\n", "/",
		"h", true},
	    {"GET / HTTP/1.0\r\n\r\n", "/", "", false},
	    {"GET http://a:2/b?c HTTP/1.1\r\nHost: d\r\n\r\n", "/b", "a:2",
		false},
	    {"GET hTTp://a?/b HTTP/1.1\r\nHost: d\r\n\r\n", "/", "a", false},
	    {"GET /%6d HTTP/1.1\r\nHost:\r\n\r\n", "/%6d", "", false},
	};
	for (int i = 0; i < LENGTH(examples); i++) {
		struct http_request request;
		http_request_init(&request);
		ck_assert_int_eq(http_request_read(&request, examples[i].text,
				     strlen(examples[i].text)),
		    200);
		ck_assert_str_eq(request.target, examples[i].target);
		ck_assert_str_eq(request.host, examples[i].host);
		ck_assert_int_eq(request.is_head, examples[i].is_head);
		ck_assert_int_eq(request.is_get, !examples[i].is_head);
	}
}
END_TEST

/* The status of a request that is a beginning, n bytes of one kind, and an end.
 */
static int
read_long(const char *beginning, char fill, size_t n, const char *end)
{
	struct http_request request;
	char *text = malloc(n + 1);
	ck_assert_ptr_nonnull(text);
	memset(text, fill, n);
	http_request_init(&request);
	(void)http_request_read(&request, beginning, strlen(beginning));
	(void)http_request_read(&request, text, n);
	free(text);
	return http_request_read(&request, end, strlen(end));
}

START_TEST(what_is_too_long_is_refused_at_its_bound)
{
	static const char rest[] = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static const char headers[] = GET(HOST "A: ");
	const size_t most = HTTP_HEAD_MAX - strlen(headers) - 2;
	ck_assert_int_eq(
	    read_long("GET /", 'a', HTTP_TARGET_MAX - 2, rest), 200);
	ck_assert_int_eq(
	    read_long("GET /", 'a', HTTP_TARGET_MAX - 1, rest), 414);
	ck_assert_int_eq(read_long("", 'a', HTTP_HEAD_MAX, ""), 0);
	ck_assert_int_eq(read_long("", 'a', HTTP_HEAD_MAX, "a"), 414);
	/* The macro ends with the line end that the value is put before. */
	char beginning[sizeof headers];
	memcpy(beginning, headers, sizeof headers);
	beginning[strlen(beginning) - 2] = '\0';
	ck_assert_int_eq(read_long(beginning, 'b', most, "\r\n\r\n"), 200);
	ck_assert_int_eq(read_long(beginning, 'b', most + 1, "\r\n\r\n"), 431);
	ck_assert_int_eq(read_long("GET / HTTP/1.1\r\nHost: ", 'h',
			     HTTP_HOST_MAX - 1, "\r\n\r\n"),
	    200);
	ck_assert_int_eq(read_long("GET / HTTP/1.1\r\nHost: ", 'h',
			     HTTP_HOST_MAX, "\r\n\r\n"),
	    400);
	ck_assert_int_eq(
	    read_long("GET http://", 'h', HTTP_HOST_MAX - 1, rest), 200);
	ck_assert_int_eq(
	    read_long("GET http://", 'h', HTTP_HOST_MAX, rest), 400);
}
END_TEST

START_TEST(endless_empty_lines_are_refused)
{
	struct http_request request;
	int status = 0;
	http_request_init(&request);
	for (int i = 0; i <= HTTP_HEAD_MAX / 2; i++)
		status = http_request_read(&request, "\r\n", 2);
	ck_assert_int_eq(status, 414);
}
END_TEST

/* Nothing at all, and everything of one byte. */
START_TEST(each_byte_that_may_begin_a_request_is_that_of_a_token)
{
	for (int byte = 0; byte < 256; byte++) {
		struct http_request request;
		unsigned char text = (unsigned char)byte;
		http_request_init(&request);
		bool is_token =
		    (byte >= '0' && byte <= '9') ||
		    (byte >= 'A' && byte <= 'Z') ||
		    (byte >= 'a' && byte <= 'z') ||
		    (byte > 0 && strchr("!#$%&'*+-.^_`|~\r", byte) != NULL);
		ck_assert_int_eq(http_request_read(&request, &text, 0), 0);
		ck_assert_int_eq(
		    http_request_read(&request, &text, 1), is_token ? 0 : 400);
	}
}
END_TEST

START_TEST(only_hosts_that_cannot_be_pretended_are_served)
{
	static const struct {
		const char *host;
		int status;
	} examples[] = {{"localhost", 200}, {"LocalHost", 200},
	    {"localhost.", 200}, {"localhost:9522", 200}, {"localhost.:1", 200},
	    {"localhost:", 200}, {"127.0.0.1", 200}, {"192.0.2.7:80", 200},
	    {"[::1]", 200}, {"[::1]:9522", 200}, {"[::]:", 200},
	    {"[::ffff:192.0.2.7]", 200}, {"upcased.example", 200},
	    {"UPCASED.example.:9522", 200}, {"", 421}, {".", 421}, {":80", 421},
	    {"example", 421}, {"localhost.example", 421}, {"localhost..", 421},
	    {"upcased.example.com", 421}, {"xupcased.example", 421},
	    {"upcased.exampl", 421}, {"127.0.0.1.example", 421}, {"127.1", 421},
	    {"0x7f.0.0.1", 421}, {"2130706433", 421}, {"127.0.0.1.", 421},
	    {"127.0.0.256", 421}, {"local_host", 421}, {"local host", 400},
	    {"localhost,x", 400}, {"localhost/", 400}, {"localhost:80a", 400},
	    {"localhost:-1", 400}, {"localhost:123456", 400},
	    {"a@localhost", 400}, {"localhost:1:2", 400}, {"::1", 400},
	    {"[::1", 400}, {"[]", 400}, {"[::1]x", 400}, {"[::1]:x", 400},
	    {"[::1%lo]", 400}, {"[localhost]", 400}, {"[127.0.0.1]", 400},
	    {"\xc3\xa4", 400},
	    {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", 400}};
	for (int i = 0; i < LENGTH(examples); i++) {
		int status =
		    http_host_check(examples[i].host, "Upcased.Example");
		ck_assert_msg(status == examples[i].status, "%d for %s", status,
		    examples[i].host);
	}
	ck_assert_int_eq(http_host_check("a", "a."), 200);
	ck_assert_int_eq(http_host_check("a.", "a"), 200);
	ck_assert_int_eq(http_host_check("", ""), 421);
	ck_assert_int_eq(http_host_check(".", ""), 421);
	ck_assert_int_eq(http_host_check(".", "."), 421);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("http_request");
	TCase *tc = tcase_create("requests");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, right_requests_are_understood_however_they_are_cut);
	tcase_add_test(
	    tc, wrong_requests_get_their_status_however_they_are_cut);
	tcase_add_test(tc, no_right_request_is_complete_before_its_end);
	tcase_add_test(tc, what_was_asked_is_kept);
	tcase_add_test(tc, what_is_too_long_is_refused_at_its_bound);
	tcase_add_test(tc, endless_empty_lines_are_refused);
	tcase_add_test(
	    tc, each_byte_that_may_begin_a_request_is_that_of_a_token);
	tcase_add_test(tc, only_hosts_that_cannot_be_pretended_are_served);
	suite_add_tcase(s, tc);
	return s;
}
