#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/num.h"
#include "store/endpoints.h"

enum { PATH_BYTES_MAX = 4096 };

unsigned
endpoints_set_size(unsigned drives)
{
	if (drives == 1)
		return 1;
	for (unsigned n = FORMAT_SET_MAX; n >= 2; n--)
		if (drives % n == 0)
			return n;
	return 0;
}

static enum err
add_path(struct endpoints *e, const char *path)
{
	char **grown = NULL;

	if (path[0] != '/') {
		log_error("%s: a drive is named by an absolute path", path);
		return EC_EINVAL;
	}
	if (e->count == ENDPOINTS_MAX) {
		log_error("more than %d drives", ENDPOINTS_MAX);
		return EC_EINVAL;
	}
	for (unsigned i = 0; i < e->count; i++)
		if (strcmp(e->path[i], path) == 0) {
			log_error("%s: named twice", path);
			return EC_EINVAL;
		}
	grown = realloc(e->path, (e->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return EC_ENOMEM;
	e->path = grown;
	if ((e->path[e->count] = strdup(path)) == NULL)
		return EC_ENOMEM;
	e->count++;
	return EC_OK;
}

/* "{from...to}" at ${s}: its bounds, digits and length.  false: not one. */
static bool
range_parse(const char *s, unsigned *from, unsigned *to, int *width,
    size_t *len)
{
	char a[8], b[8];
	int end = 0;
	uint64_t x, y;

	if (sscanf(s, "{%7[0-9]...%7[0-9]}%n", a, b, &end) != 2 || end == 0)
		return false;
	if (num_parse(&x, a, 0, 9999999) != EC_OK ||
	    num_parse(&y, b, 0, 9999999) != EC_OK || x > y ||
	    y - x >= ENDPOINTS_MAX)
		return false;
	*from = (unsigned)x;
	*to = (unsigned)y;
	*width = a[0] == '0' ? (int)strlen(a) : 1;
	*len = (size_t)end;
	return true;
}

/* Expand the first range of ${word}, then those behind it: 4 at most. */
static enum err
expand(struct endpoints *e, const char *word, unsigned depth)
{
	const char *brace = strchr(word, '{');
	unsigned from, to;
	int width;
	size_t len;
	enum err err = EC_OK;

	if (brace == NULL && strchr(word, '}') == NULL)
		return add_path(e, word);
	if (brace == NULL || depth == 4 ||
	    !range_parse(brace, &from, &to, &width, &len)) {
		log_error("%s: not a pattern like {1...4}", word);
		return EC_EINVAL;
	}
	for (unsigned i = from; i <= to && err == EC_OK; i++) {
		char one[PATH_BYTES_MAX];
		int n = snprintf(one, sizeof(one), "%.*s%0*u%s",
		    (int)(brace - word), word, width, i, brace + len);

		if (n < 0 || (size_t)n >= sizeof(one)) {
			log_error("%.64s...: name too long", word);
			return EC_EINVAL;
		}
		err = expand(e, one, depth + 1);
	}
	return err;
}

static enum err
expand_words(struct endpoints *e, const char *words)
{
	const char *p = words;
	enum err err = EC_OK;

	while (err == EC_OK && *(p += strspn(p, " \t,")) != '\0') {
		char word[PATH_BYTES_MAX];
		size_t len = strcspn(p, " \t,");

		if (len >= sizeof(word)) {
			log_error("%.64s...: name too long", p);
			return EC_EINVAL;
		}
		memcpy(word, p, len);
		while (len > 1 && word[len - 1] == '/')
			len--;
		word[len] = '\0';
		err = expand(e, word, 0);
		p += strcspn(p, " \t,");
	}
	return err;
}

enum err
endpoints_parse(struct endpoints *out, const char *const words[], unsigned n)
{
	struct endpoints e = ENDPOINTS_INIT;
	enum err err = EC_OK;

	for (unsigned i = 0; i < n && err == EC_OK; i++)
		err = expand_words(&e, words[i]);
	if (err == EC_OK && e.count == 0) {
		log_error("no drives named");
		err = EC_EINVAL;
	}
	if (err == EC_OK && (e.set_size = endpoints_set_size(e.count)) == 0) {
		log_error("%u drives cannot be divided into sets of 2 to %d",
		    e.count, FORMAT_SET_MAX);
		err = EC_EINVAL;
	}
	if (err != EC_OK) {
		endpoints_release(&e);
		return err;
	}
	*out = e;
	return EC_OK;
}

void
endpoints_release(struct endpoints *e)
{
	for (unsigned i = 0; i < e->count; i++)
		free(e->path[i]);
	free(e->path);
	*e = (struct endpoints)ENDPOINTS_INIT;
}
