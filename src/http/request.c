/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "http/request.h"

#include <string.h>
#include <strings.h>

static const char *const header_names[HTTP_NHEADERS] = {
    [HTTP_HEADER_HOST] = "host",
    [HTTP_HEADER_LENGTH] = "content-length",
    [HTTP_HEADER_ENCODING] = "transfer-encoding",
};

void
http_request_init(struct http_request *request)
{
	memset(request, 0, sizeof *request);
}

static bool
is_digit(unsigned char byte)
{
	return byte >= '0' && byte <= '9';
}

/* What a method and the name of a header consist of (RFC 9110, 5.6.2). */
static bool
is_token(unsigned char byte)
{
	unsigned char lower = byte | 0x20;
	return (lower >= 'a' && lower <= 'z') || is_digit(byte) ||
	       (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool
is_text(unsigned char byte)
{
	return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* Only words that fit are compared with anything. */
static void
add_to_word(struct http_request *request, unsigned char byte)
{
	if (request->nword < HTTP_WORD_MAX - 1)
		request->word[request->nword] = (char)byte;
	request->nword++;
}

static void
end_word(struct http_request *request)
{
	bool fits = request->nword < HTTP_WORD_MAX;
	request->word[fits ? request->nword : 0] = '\0';
	request->nword = 0;
}

static int
end_method(struct http_request *request)
{
	end_word(request);
	request->is_get = strcmp(request->word, "GET") == 0;
	request->is_head = strcmp(request->word, "HEAD") == 0;
	request->place = HTTP_TARGET;
	return 0;
}

/* Makes a target such as http://localhost:9522/metrics a path and a host. */
static int
split_target(struct http_request *request)
{
	static const char scheme[] = "http://";
	char *target = request->target, *host = target + sizeof scheme - 1;
	if (strncasecmp(target, scheme, sizeof scheme - 1) != 0)
		return 400;
	size_t n = strcspn(host, "/?");
	if (n == 0 || n >= HTTP_HOST_MAX)
		return 400;
	memcpy(request->host, host, n);
	request->host[n] = '\0';
	request->has_authority = true;
	/* Without a path it is that of the root. */
	if (host[n] == '/')
		memmove(target, host + n, strlen(host + n) + 1);
	else
		(void)strcpy(target, "/");
	return 0;
}

static int
end_target(struct http_request *request)
{
	request->target[request->ntarget] = '\0';
	request->place = HTTP_VERSION;
	if (request->ntarget == 0)
		return 400;
	/* Other methods have targets of other forms. */
	if (!request->is_get && !request->is_head)
		return 0;
	if (request->target[0] != '/' && split_target(request) != 0)
		return 400;
	request->target[strcspn(request->target, "?")] = '\0';
	return 0;
}

static int
end_version(struct http_request *request)
{
	const char *word = request->word;
	end_word(request);
	if (strncmp(word, "HTTP/", 5) != 0 ||
	    !is_digit((unsigned char)word[5]) || word[6] != '.' ||
	    !is_digit((unsigned char)word[7]) || word[8] != '\0')
		return 400;
	request->place = HTTP_LINE_LF;
	request->minor = (unsigned)(word[7] - '0');
	return word[5] == '1' ? 0 : 505;
}

/* A header that says something of the request may come only once. */
static int
end_name(struct http_request *request)
{
	unsigned i = 0;
	end_word(request);
	while (i < HTTP_NHEADERS &&
	       strcasecmp(request->word, header_names[i]) != 0)
		i++;
	request->header = (enum http_header)i;
	request->place = HTTP_VALUE;
	if (i < HTTP_NHEADERS && request->seen[i])
		return 400;
	if (i < HTTP_NHEADERS)
		request->seen[i] = true;
	return 0;
}

static int
add_to_host(struct http_request *request, unsigned char byte)
{
	bool is_blank = byte == ' ' || byte == '\t';
	if (request->has_authority || (is_blank && request->nhost == 0))
		return 0;
	if (request->nhost == HTTP_HOST_MAX - 1)
		return 400;
	request->host[request->nhost++] = (char)byte;
	return 0;
}

static int
add_to_value(struct http_request *request, unsigned char byte)
{
	if (!is_text(byte))
		return 400;
	if (request->header == HTTP_HEADER_HOST)
		return add_to_host(request, byte);
	if (request->header == HTTP_HEADER_LENGTH && !is_digit(byte) &&
	    byte != ' ' && byte != '\t')
		return 400;
	return 0;
}

static int
end_value(struct http_request *request)
{
	size_t n = request->nhost;
	while (n > 0 &&
	       (request->host[n - 1] == ' ' || request->host[n - 1] == '\t'))
		n--;
	if (!request->has_authority)
		request->host[n] = '\0';
	request->place = HTTP_NAME_FIRST;
	return 0;
}

static int
end_head(const struct http_request *request)
{
	if (request->minor > 0 && !request->seen[HTTP_HEADER_HOST])
		return 400;
	/* Where its body ended, another could think otherwise. */
	if (request->seen[HTTP_HEADER_LENGTH] &&
	    request->seen[HTTP_HEADER_ENCODING])
		return 400;
	return request->is_get || request->is_head ? 200 : 405;
}

/* What a byte does at each place. */

static int
read_before(struct http_request *request, unsigned char byte)
{
	if (byte == '\r') {
		request->place = HTTP_BEFORE_LF;
		return 0;
	}
	request->place = HTTP_METHOD;
	add_to_word(request, byte);
	return is_token(byte) ? 0 : 400;
}

static int
read_before_lf(struct http_request *request, unsigned char byte)
{
	request->place = HTTP_BEFORE;
	return byte == '\n' ? 0 : 400;
}

static int
read_method(struct http_request *request, unsigned char byte)
{
	if (byte == ' ')
		return end_method(request);
	add_to_word(request, byte);
	return is_token(byte) ? 0 : 400;
}

static int
read_target(struct http_request *request, unsigned char byte)
{
	if (byte == ' ')
		return end_target(request);
	if (byte < ' ' || byte >= 0x7f || byte == '#')
		return 400;
	if (request->ntarget == HTTP_TARGET_MAX - 1)
		return 414;
	request->target[request->ntarget++] = (char)byte;
	return 0;
}

static int
read_version(struct http_request *request, unsigned char byte)
{
	if (byte == '\r')
		return end_version(request);
	add_to_word(request, byte);
	return byte > ' ' && request->nword < sizeof "HTTP/1.1" ? 0 : 400;
}

static int
read_line_lf(struct http_request *request, unsigned char byte)
{
	request->place = HTTP_NAME_FIRST;
	return byte == '\n' ? 0 : 400;
}

static int
read_name(struct http_request *request, unsigned char byte)
{
	if (byte == ':' && request->place == HTTP_NAME)
		return end_name(request);
	/* A blank would continue the last header, or stand before a colon. */
	if (!is_token(byte))
		return 400;
	request->place = HTTP_NAME;
	add_to_word(request, byte);
	return 0;
}

static int
read_name_first(struct http_request *request, unsigned char byte)
{
	if (byte != '\r')
		return read_name(request, byte);
	request->place = HTTP_END_LF;
	return 0;
}

static int
read_value(struct http_request *request, unsigned char byte)
{
	if (byte != '\r')
		return add_to_value(request, byte);
	request->place = HTTP_VALUE_LF;
	return 0;
}

static int
read_value_lf(struct http_request *request, unsigned char byte)
{
	return byte == '\n' ? end_value(request) : 400;
}

static int
read_end_lf(struct http_request *request, unsigned char byte)
{
	return byte == '\n' ? end_head(request) : 400;
}

static int (*const readers[HTTP_NPLACES])(
    struct http_request *, unsigned char byte) = {
    [HTTP_BEFORE] = read_before,
    [HTTP_BEFORE_LF] = read_before_lf,
    [HTTP_METHOD] = read_method,
    [HTTP_TARGET] = read_target,
    [HTTP_VERSION] = read_version,
    [HTTP_LINE_LF] = read_line_lf,
    [HTTP_NAME_FIRST] = read_name_first,
    [HTTP_NAME] = read_name,
    [HTTP_VALUE] = read_value,
    [HTTP_VALUE_LF] = read_value_lf,
    [HTTP_END_LF] = read_end_lf,
};

int
http_request_read(struct http_request *request, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < n && request->status == 0; i++) {
		if (request->length++ < HTTP_HEAD_MAX)
			request->status =
			    readers[request->place](request, at[i]);
		else
			request->status =
			    request->place < HTTP_LINE_LF ? 414 : 431;
	}
	return request->status;
}
