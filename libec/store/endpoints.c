#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "store/endpoints.h"

enum { PATH_BYTES_MAX = 4096, ADDRESS_BYTES_MAX = 262 };

unsigned
endpoints_set_size(unsigned drives, unsigned nodes)
{
	/* Nodes with as many drives each are to have as many in each set. */
	const bool alike = nodes > 1 && drives % nodes == 0;
	unsigned best = 0;

	if (drives == 1)
		return 1;
	for (unsigned n = FORMAT_SET_MAX; n >= 2; n--) {
		if (drives % n != 0)
			continue;
		if (!alike || n % nodes == 0 || nodes % n == 0)
			return n;
		best = best == 0 ? n : best;
	}
	return best;
}

/* The index of a node's address, which is added when it is new. */
static enum err
node_index(struct endpoints *e, const char *address, size_t len, int *out)
{
	char **grown = NULL;

	for (unsigned i = 0; i < e->nodes; i++)
		if (strlen(e->node[i]) == len &&
		    memcmp(e->node[i], address, len) == 0) {
			*out = (int)i;
			return EC_OK;
		}
	if (e->nodes == ENDPOINTS_NODES_MAX) {
		log_error("more than %d nodes", ENDPOINTS_NODES_MAX);
		return EC_EINVAL;
	}
	grown = realloc(e->node, (e->nodes + 1) * sizeof(*grown));
	if (grown == NULL)
		return EC_ENOMEM;
	e->node = grown;
	if ((e->node[e->nodes] = strndup(address, len)) == NULL)
		return EC_ENOMEM;
	*out = (int)e->nodes++;
	return EC_OK;
}

/* "host", "host:port", "[::1]:port": as in a URL, checked; the port to ${port},
 * 0 when there is none. */
static bool
authority_valid(const char *s, size_t len, unsigned *port)
{
	char text[ADDRESS_BYTES_MAX], *colon;
	uint64_t n = 0;

	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	colon = strrchr(text, ':');
	if (colon != NULL && text[0] == '[' && colon[-1] != ']')
		colon = NULL;		/* one of the address */
	if (colon != NULL && num_parse(&n, colon + 1, 1, 65535) != EC_OK)
		return false;
	*port = (unsigned)n;
	if (colon != NULL)
		*colon = '\0';
	return text[0] == '[' ? text[strlen(text) - 1] == ']' &&
	    strspn(text + 1, "0123456789abcdefABCDEF:.%") ==
	    strlen(text) - 2 : text[0] != '\0' && strspn(text,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-_") == strlen(text);
}

/* Make an endpoint of "http://node/path" in ${ep}, or of a path. */
static enum err
endpoint_make(struct endpoints *e, struct endpoint *ep, const char *word)
{
	bool tls = strncmp(word, "https://", 8) == 0;
	const char *host = word + (tls ? 8 : 7), *path;
	unsigned port;
	size_t len;

	ep->node = ENDPOINTS_NO_NODE;
	if (word[0] == '/') {
		ep->path = ep->name = strdup(word);
		return ep->name != NULL ? EC_OK : EC_ENOMEM;
	}
	if (!tls && strncmp(word, "http://", 7) != 0) {
		log_error("%s: a drive is named by an absolute path or "
		    "http://node:port/path", word);
		return EC_EINVAL;
	}
	if ((path = strchr(host, '/')) == NULL || path[1] == '\0' ||
	    !authority_valid(host, (size_t)(path - host), &port)) {
		log_error("%s: is not http://node:port/path", word);
		return EC_EINVAL;
	}
	if (e->nodes > 0 && e->tls != tls) {
		log_error("%s: either all nodes are named with https:// or "
		    "none", word);
		return EC_EINVAL;
	}
	e->tls = tls;
	if (asprintf(&ep->name, port != 0 ? "%.*s%s" : "%.*s:9000%s",
	    (int)(path - host), host, path) < 0) {
		ep->name = NULL;
		return EC_ENOMEM;
	}
	len = (size_t)(strchr(ep->name, '/') - ep->name);
	ep->path = ep->name + len;
	return node_index(e, ep->name, len, &ep->node);
}

static enum err
add_endpoint(struct endpoints *e, const char *word)
{
	struct endpoint ep = { NULL, NULL, 0 }, *grown = NULL;
	enum err err;

	if (e->count == ENDPOINTS_MAX) {
		log_error("more than %d drives", ENDPOINTS_MAX);
		return EC_EINVAL;
	}
	if ((err = endpoint_make(e, &ep, word)) != EC_OK)
		goto out;
	for (unsigned i = 0; i < e->count && err == EC_OK; i++) {
		if (strcmp(e->at[i].name, ep.name) == 0) {
			log_error("%s: named twice", word);
			err = EC_EINVAL;
		} else if ((e->at[i].node < 0) != (ep.node < 0)) {
			log_error("%s: either all drives are of nodes or "
			    "none", word);
			err = EC_EINVAL;
		}
	}
	if (err != EC_OK)
		goto out;
	err = EC_ENOMEM;
	if ((grown = realloc(e->at, (e->count + 1) * sizeof(*grown))) == NULL)
		goto out;
	e->at = grown;
	e->at[e->count++] = ep;
	return EC_OK;
out:
	free(ep.name);
	return err;
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
		return add_endpoint(e, word);
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

/* All patterns of ${list}, between commas. */
static enum err
expand_list(struct endpoints *e, const char *list, size_t left)
{
	enum err err = EC_OK;

	while (left > 0 && err == EC_OK) {
		const char *comma = memchr(list, ',', left);
		size_t n = comma != NULL ? (size_t)(comma - list) : left;
		size_t len = n;
		char word[PATH_BYTES_MAX];

		if (len >= sizeof(word)) {
			log_error("%.64s...: name too long", list);
			return EC_EINVAL;
		}
		memcpy(word, list, len);
		while (len > 1 && word[len - 1] == '/')
			len--;
		word[len] = '\0';
		if (len > 0)
			err = expand(e, word, 0);
		n += comma != NULL;
		list += n;
		left -= n;
	}
	return err;
}

/* What was added since endpoint ${first} is a pool. */
static enum err
close_pool(struct endpoints *e, unsigned first)
{
	struct endpoint_pool p = { first, e->count - first, 0 };
	bool seen[ENDPOINTS_NODES_MAX] = { false };
	unsigned nodes = 0;

	if (p.count == 0)
		return EC_OK;
	if (e->pools == ENDPOINTS_POOLS_MAX) {
		log_error("more than %d pools", ENDPOINTS_POOLS_MAX);
		return EC_EINVAL;
	}
	for (unsigned i = first; i < e->count; i++)
		if (e->at[i].node >= 0 && !seen[e->at[i].node]) {
			seen[e->at[i].node] = true;
			nodes++;
		}
	if ((p.set_size = endpoints_set_size(p.count, nodes)) == 0) {
		log_error("%s ...: %u drives cannot be divided into sets of 2 "
		    "to %d", e->at[first].name, p.count, FORMAT_SET_MAX);
		return EC_EINVAL;
	}
	e->pool[e->pools++] = p;
	return endpoints_layout(e, &p);
}

/* The next word of ${n}, themselves split at blanks; false: there is none. */
static bool
next_word(const char *const words[], unsigned n, unsigned *i,
    const char **at, size_t *len)
{
	for (; *i < n; ++*i, *at = NULL) {
		const char *p = *at != NULL ? *at : words[*i];

		p += strspn(p, " \t\n");
		*len = strcspn(p, " \t\n");
		*at = p;
		if (*len > 0)
			return true;
	}
	return false;
}

static enum err
expand_words(struct endpoints *e, const char *const words[], unsigned n)
{
	unsigned i = 0, plain = 0, patterns = 0, first;
	const char *p = NULL;
	size_t len;
	enum err err = EC_OK;

	for (; next_word(words, n, &i, &p, &len); p += len)
		*(memchr(p, '{', len) != NULL ? &patterns : &plain) += 1;
	if (plain > 0 && patterns > 1) {
		log_error("either each word has a pattern and is a pool, or "
		    "none has");
		return EC_EINVAL;
	}
	i = 0;
	p = NULL;
	first = e->count;
	for (; err == EC_OK && next_word(words, n, &i, &p, &len); p += len) {
		err = expand_list(e, p, len);
		if (err == EC_OK && plain == 0) {
			err = close_pool(e, first);
			first = e->count;
		}
	}
	return err == EC_OK ? close_pool(e, first) : err;
}

enum err
endpoints_parse(struct endpoints *out, const char *const words[], unsigned n)
{
	struct endpoints e = ENDPOINTS_INIT;
	enum err err;

	err = expand_words(&e, words, n);
	if (err == EC_OK && e.count == 0) {
		log_error("no drives named");
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
		free(e->at[i].name);
	free(e->at);
	for (unsigned i = 0; i < e->nodes; i++)
		free(e->node[i]);
	free(e->node);
	*e = (struct endpoints)ENDPOINTS_INIT;
}
