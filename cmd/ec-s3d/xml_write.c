#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "xml.h"

#define NAME_SPACE "http://s3.amazonaws.com/doc/2006-03-01/"
#define NAME_SPACE_STS "https://sts.amazonaws.com/doc/2011-06-15/"

static void
add(struct xml *x, const void *p, size_t len)
{
	if (x->failed == EC_OK)
		x->failed = buf_add(&x->buf, p, len);
}

static void
add_str(struct xml *x, const char *s)
{
	add(x, s, strlen(s));
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c != '&' && c != '<' && c != '>' &&
	    c != 0x7f;
}

static void
add_escaped(struct xml *x, const char *s)
{
	char code[8];
	size_t n;

	for (; *s != '\0'; s += n) {
		for (n = 0; is_plain((unsigned char)s[n]); n++)
			;
		if (n > 0)
			add(x, s, n);
		if (s[n] == '\0')
			return;
		snprintf(code, sizeof(code), "&#x%X;", (unsigned char)s[n]);
		add_str(x, s[n] == '&' ? "&amp;" : s[n] == '<' ? "&lt;" :
		    s[n] == '>' ? "&gt;" : code);
		n++;
	}
}

void
xml_release(struct xml *x)
{
	buf_release(&x->buf);
}

static void
begin(struct xml *x, const char *root, const char *attributes)
{
	add_str(x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
	add_str(x, root);
	add_str(x, attributes);
	add_str(x, ">");
}

void
xml_begin(struct xml *x, const char *root)
{
	begin(x, root, strcmp(root, "Error") != 0 ?
	    " xmlns=\"" NAME_SPACE "\"" : "");
}

void
xml_begin_sts(struct xml *x, const char *root)
{
	begin(x, root, " xmlns=\"" NAME_SPACE_STS "\"");
}

/* ${lead}, ${len} bytes of ${name} and ">", at once: most of a list. */
static void
add_tag(struct xml *x, const char *lead, const char *name, size_t len)
{
	size_t n = strlen(lead);
	uint8_t *p;

	if (x->failed != EC_OK ||
	    (x->failed = buf_reserve(&x->buf, n + len + 1, &p)) != EC_OK)
		return;
	memcpy(p, lead, n);
	memcpy(p + n, name, len);
	p[n + len] = '>';
	x->buf.len += n + len + 1;
}

void
xml_open(struct xml *x, const char *name)
{
	add_tag(x, "<", name, strlen(name));
}

void
xml_close(struct xml *x, const char *name)
{
	const char *end = strchr(name, ' ');

	add_tag(x, "</", name, end != NULL ? (size_t)(end - name) :
	    strlen(name));
}

void
xml_content(struct xml *x, const char *text)
{
	add_escaped(x, text);
}

void
xml_text(struct xml *x, const char *name, const char *text)
{
	xml_open(x, name);
	add_escaped(x, text);
	xml_close(x, name);
}

void
xml_number(struct xml *x, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	xml_text(x, name, text);
}

void
xml_bool(struct xml *x, const char *name, bool v)
{
	xml_text(x, name, v ? "true" : "false");
}

void
xml_time(struct xml *x, const char *name, uint64_t real_us)
{
	char text[32];

	xml_text(x, name, clock_text_ms(text, sizeof(text), real_us));
}

void
xml_etag(struct xml *x, const char *name, const char *etag)
{
	xml_open(x, name);
	add_str(x, "&quot;");
	add_escaped(x, etag);
	add_str(x, "&quot;");
	xml_close(x, name);
}

void
xml_raw(struct xml *x, const struct xml *other)
{
	if (other->failed != EC_OK)
		x->failed = other->failed;
	add(x, other->buf.data, other->buf.len);
}

enum err
xml_end(struct xml *x, const char *root)
{
	xml_close(x, root);
	return x->failed;
}
