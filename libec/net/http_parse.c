/* Invariants:
 * 1. A line ends in CRLF and nothing else; a bare CR or LF never passes the
 *    scanner, so no later stage can see a line where another parser sees none.
 * 2. What frames a body is known from exactly one header, or the request is
 *    refused. */
#include "net/http_parse.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"

static bool
is_token(unsigned char c)
{
	if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void
http_scan_reset(struct http_scan *s, bool trailers)
{
	s->text.len = 0;
	s->line = 0;
	s->lines = 0;
	s->cr = false;
	s->trailers = trailers;
	s->done = false;
}

void
http_scan_release(struct http_scan *s)
{
	buf_release(&s->text);
	http_scan_reset(s, false);
}

/* One line more, its CRLF at the end of text.  An empty line before the
 * request line is skipped (RFC 9112, 2.2), once. */
static unsigned
scan_line_end(struct http_scan *s)
{
	size_t len = s->text.len - s->line - 2;

	if (len == 0 && s->lines == 0 && !s->trailers) {
		if (s->line != 0)
			return 400;
		s->line = s->text.len;
		return 0;
	}
	s->done = len == 0;
	s->line = s->text.len;
	if (++s->lines > HTTP_HEADERS_MAX + (s->trailers ? 1u : 2u))
		return 431;
	return 0;
}

static unsigned
scan_byte(struct http_scan *s, unsigned char c)
{
	size_t len = s->text.len - s->line;
	bool request_line = s->lines == 0 && !s->trailers;

	if (s->cr != (c == '\n'))
		return 400;
	s->cr = c == '\r';
	if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
		return 400;
	if (request_line && len > HTTP_TARGET_MAX + HTTP_METHOD_MAX + 12)
		return 414;
	if (!request_line && len > HTTP_LINE_MAX + 2)
		return 431;
	return 0;
}

unsigned
http_scan_feed(struct http_scan *s, const void *in, size_t len, size_t *used)
{
	const unsigned char *p = in;
	unsigned status;
	uint8_t *to;
	size_t i;

	*used = 0;
	if (len > HTTP_HEAD_MAX)
		len = HTTP_HEAD_MAX;
	if (len > HTTP_HEAD_MAX - s->text.len)
		len = HTTP_HEAD_MAX - s->text.len;
	if (len == 0)
		return s->text.len >= HTTP_HEAD_MAX ? 431 : 0;
	if (buf_reserve(&s->text, len, &to) != EC_OK)
		return 503;
	for (i = 0; i < len && !s->done; i++) {
		if ((status = scan_byte(s, p[i])) != 0)
			return status;
		to[i] = p[i];
		s->text.len++;
		if (p[i] == '\n' && (status = scan_line_end(s)) != 0)
			return status;
	}
	*used = i;
	return !s->done && s->text.len >= HTTP_HEAD_MAX ? 431 : 0;
}

/* Cut the line at *${pos} off: NUL where its CR was.  Invariant 1 holds. */
static char *
next_line(struct http_scan *s, size_t *pos)
{
	char *line = (char *)s->text.data + *pos;
	char *cr = memchr(line, '\r', s->text.len - *pos);

	*cr = '\0';
	*pos += (size_t)(cr - line) + 2;
	return line;
}

static unsigned
parse_version(struct http_head *out, const char *v)
{
	if (strncmp(v, "HTTP/", 5) != 0 || v[5] < '0' || v[5] > '9' ||
	    v[6] != '.' || v[7] < '0' || v[7] > '9' || v[8] != '\0')
		return 400;
	if (v[5] != '1' || v[7] > '1')
		return 505;
	out->minor = (unsigned)(v[7] - '0');
	return 0;
}

/* Bring the target to origin-form; *${authority} is what an absolute one
 * names, to be compared with Host. */
static unsigned
parse_target(struct http_head *out, char *target, const char **authority)
{
	char *p;

	*authority = NULL;
	for (p = target; *p != '\0'; p++)
		if (*p < 0x21 || *p > 0x7e || *p == '#')
			return 400;
	if ((size_t)(p - target) > HTTP_TARGET_MAX)
		return 414;
	out->target = target;
	if (target[0] == '/')
		return 0;
	if (strcmp(target, "*") == 0)
		return strcmp(out->method, "OPTIONS") == 0 ? 0 : 400;
	if (strncasecmp(target, "http://", 7) != 0 &&
	    strncasecmp(target, "https://", 8) != 0)
		return 400;
	*authority = strchr(target, ':') + 3;
	p = target + (*authority - target);
	p += strcspn(p, "/?");
	if (*p != '/')
		return 400;
	/* Room for the NUL: the authority moves onto the slashes before it. */
	memmove(target, *authority, (size_t)(p - *authority));
	target[p - *authority] = '\0';
	*authority = target;
	out->target = p;
	return 0;
}

static unsigned
parse_request_line(struct http_head *out, char *line, const char **authority)
{
	char *target = strchr(line, ' '), *version;
	unsigned status;
	const char *p;

	if (target == NULL || (version = strchr(target + 1, ' ')) == NULL)
		return 400;
	*target++ = '\0';
	*version++ = '\0';
	out->method = line;
	for (p = line; is_token((unsigned char)*p); p++)
		;
	if (*p != '\0' || p == line || p - line > HTTP_METHOD_MAX)
		return 400;
	if ((status = parse_version(out, version)) != 0)
		return status;
	if (strcmp(line, "CONNECT") == 0)
		return 501;
	return parse_target(out, target, authority);
}

static unsigned
parse_header(struct http_head *out, char *line)
{
	char *colon = line, *value, *end;

	while (is_token((unsigned char)*colon))
		colon++;
	if (*colon != ':' || colon == line)
		return 400;	/* also a folded line, and a blank before ':' */
	for (value = colon + 1; is_blank(*value); value++)
		;
	for (end = value + strlen(value); end > value && is_blank(end[-1]);)
		end--;
	*colon = '\0';
	*end = '\0';
	if (out->header_count == HTTP_HEADERS_MAX)
		return 431;
	out->headers[out->header_count].name = line;
	out->headers[out->header_count++].value = value;
	return 0;
}

const char *
http_headers_get(const struct http_header *h, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcasecmp(h[i].name, name) == 0)
			return h[i].value;
	return NULL;
}

/* The value of a header that may come once.  400 when it comes twice. */
static unsigned
get_single(const struct http_head *h, const char *name, const char **value)
{
	*value = NULL;
	for (unsigned i = 0; i < h->header_count; i++) {
		if (strcasecmp(h->headers[i].name, name) != 0)
			continue;
		if (*value != NULL)
			return 400;
		*value = h->headers[i].value;
	}
	return 0;
}

static unsigned
check_host(const struct http_head *h, const char *authority)
{
	const char *host;

	if (get_single(h, "Host", &host) != 0)
		return 400;
	if (host == NULL)
		return h->minor == 0 ? 0 : 400;
	for (const char *p = host; *p != '\0'; p++)
		if (!is_token((unsigned char)*p) &&
		    strchr("():;=,[]", *p) == NULL)
			return 400;
	if (authority != NULL && strcasecmp(authority, host) != 0)
		return 400;
	return 0;
}

static unsigned
parse_framing(struct http_head *h)
{
	const char *length, *coding;

	if (get_single(h, "Content-Length", &length) != 0 ||
	    get_single(h, "Transfer-Encoding", &coding) != 0)
		return 400;
	if (length != NULL && num_parse(&h->length, length, 0, INT64_MAX) !=
	    EC_OK)
		return 400;
	if (coding == NULL)
		return 0;
	if (length != NULL || h->minor == 0)
		return 400;
	h->chunked = true;
	return strcasecmp(coding, "chunked") == 0 ? 0 : 501;
}

/* Is ${word} in a comma-separated list? */
static bool
list_has(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (; *list != '\0'; list += n) {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n == len && strncasecmp(list, word, len) == 0)
			return true;
	}
	return false;
}

static unsigned
parse_connection(struct http_head *h)
{
	const char *expect;

	h->close = h->minor == 0;
	for (unsigned i = 0; i < h->header_count; i++)
		if (strcasecmp(h->headers[i].name, "Connection") == 0 &&
		    list_has(h->headers[i].value, "close"))
			h->close = true;
	if (get_single(h, "Expect", &expect) != 0)
		return 400;
	if (expect == NULL || h->minor == 0)
		return 0;
	/* Other expectations are nothing that anybody has. */
	h->expect_continue = strcasecmp(expect, "100-continue") == 0;
	return 0;
}

static unsigned
parse_headers(struct http_head *out, struct http_scan *s, size_t pos)
{
	unsigned status;
	char *line;

	while (*(line = next_line(s, &pos)) != '\0')
		if ((status = parse_header(out, line)) != 0)
			return status;
	return 0;
}

unsigned
http_head_parse(struct http_head *out, struct http_scan *s)
{
	const char *authority = NULL;
	unsigned status;
	size_t pos = s->text.data[0] == '\r' ? 2 : 0;

	out->method = out->target = "";
	out->minor = 1;
	out->header_count = 0;
	out->length = 0;
	out->chunked = out->close = out->expect_continue = false;
	if ((status = parse_request_line(out, next_line(s, &pos),
	    &authority)) != 0 ||
	    (status = parse_headers(out, s, pos)) != 0 ||
	    (status = check_host(out, authority)) != 0 ||
	    (status = parse_framing(out)) != 0)
		return status;
	return parse_connection(out);
}

unsigned
http_trailers_parse(struct http_head *out, struct http_scan *s)
{
	static const char *const banned[] = { "Host", "Content-Length",
	    "Transfer-Encoding", "Connection", "Expect", "Trailer" };
	unsigned status;

	out->header_count = 0;
	if ((status = parse_headers(out, s, 0)) != 0)
		return status;
	for (size_t i = 0; i < sizeof(banned) / sizeof(banned[0]); i++)
		if (http_headers_get(out->headers, out->header_count,
		    banned[i]) != NULL)
			return 400;
	return 0;
}
