#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "policy_match.h"

static bool
same(char a, char b, bool fold_case)
{
	return a == b || (fold_case && tolower((unsigned char)a) ==
	    tolower((unsigned char)b));
}

/* On a mismatch the last star takes one byte more; earlier stars need not be
 * tried again. */
static bool
match(const char *p, const char *p_end, const char *t, const char *t_end,
    bool fold_case)
{
	const char *star = NULL, *again = NULL;

	while (t < t_end) {
		if (p < p_end && *p == '*') {
			star = ++p;
			again = t;
		} else if (p + 1 < p_end && *p == POLICY_LITERAL &&
		    same(p[1], *t, fold_case)) {
			p += 2;
			t++;
		} else if (p < p_end && *p != POLICY_LITERAL &&
		    (*p == '?' || same(*p, *t, fold_case))) {
			p++;
			t++;
		} else if (star != NULL) {
			p = star;
			t = ++again;
		} else {
			return false;
		}
	}
	while (p < p_end && *p == '*')
		p++;
	return p == p_end;
}

bool
policy_match(const char *pattern, const char *text, bool fold_case)
{
	return match(pattern, pattern + strlen(pattern), text,
	    text + strlen(text), fold_case);
}

bool
policy_match_arn(const char *pattern, const char *text)
{
	unsigned i;

	if (strcmp(pattern, "*") == 0)
		return true;
	for (i = 0; i < 5; i++) {
		size_t p = strcspn(pattern, ":"), t = strcspn(text, ":");

		if (pattern[p] == '\0' || text[t] == '\0' ||
		    !match(pattern, pattern + p, text, text + t, false))
			return false;
		pattern += p + 1;
		text += t + 1;
	}
	return policy_match(pattern, text, false);
}

static enum err
add_literal(struct buf *out, const char *text, bool plain)
{
	const char mark = POLICY_LITERAL;
	enum err e = EC_OK;

	for (; *text != '\0' && e == EC_OK; text++)
		if (plain || (e = buf_add(out, &mark, 1)) == EC_OK)
			e = buf_add(out, text, 1);
	return e;
}

/* ${name} is what stands between the braces, ${len} bytes. */
static enum err
add_variable(struct buf *out, const char *name, size_t len,
    const struct policy_request *rq, bool plain)
{
	char key[256], *other = NULL, *end;
	const char *value = NULL;

	if (len >= sizeof(key))
		return EC_ENOTFOUND;
	memcpy(key, name, len);
	key[len] = '\0';
	if (len == 1 && strchr("*?$", key[0]) != NULL)
		return add_literal(out, key, plain);
	if ((end = strchr(key, ',')) != NULL) {
		*end = '\0';
		other = end + 1 + strspn(end + 1, " ");
		len = strlen(other);
		if (len < 2 || other[0] != '\'' || other[len - 1] != '\'')
			return EC_ENOTFOUND;
		other[len - 1] = '\0';
		other++;
	}
	while (end != NULL && end > key && end[-1] == ' ')
		*--end = '\0';
	if (rq->value != NULL)
		value = rq->value(rq->ctx, key, 0);
	if (value == NULL)
		value = other;
	return value != NULL ? add_literal(out, value, plain) : EC_ENOTFOUND;
}

enum err
policy_expand(struct buf *out, const char *pattern,
    const struct policy_request *rq, bool plain)
{
	enum err e = EC_OK;

	while (*pattern != '\0' && e == EC_OK) {
		const char *end = pattern[0] == '$' && pattern[1] == '{' ?
		    strchr(pattern, '}') : NULL;

		if (end != NULL) {
			e = add_variable(out, pattern + 2,
			    (size_t)(end - pattern) - 2, rq, plain);
			pattern = end + 1;
		} else if (*pattern == POLICY_LITERAL && !plain) {
			e = buf_add(out, "\001\001", 2);
			pattern++;
		} else {
			e = buf_add(out, pattern++, 1);
		}
	}
	return e;
}
