#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "multipart.h"
#include "payload.h"

enum {
	RANGE_BYTES = 4096,
	PATH_MAX_BYTES = 128,
	LIST_PLACES = 256,
};

enum kind { KIND_PUT, KIND_GET, KIND_HEAD, KIND_RANGE, KIND_LIST, KIND_DELETE,
	KIND_MULTIPART, KINDS };

const char *const plan_names[PLAN_WORKS] = { "put", "get", "head", "range",
	"list", "delete", "mixed", "multipart" };
static const char *const methods[KINDS] = { "PUT", "GET", "HEAD", "GET", "GET",
	"DELETE", "" };

typedef char signature[65];

struct plan {
	struct plan_params p;
	const struct target *t;
	unsigned run;
	signature *sign[KINDS];
	unsigned put, deleted, filled;	/* the next */
	bool *there;		/* of what was put: answered */
	struct multipart *multipart;
};

/* Keys that fill the bucket are the same for all runs, new ones not. */
static bool
is_new(const struct plan *p, enum kind k)
{
	return k == KIND_PUT || (k == KIND_DELETE) ||
	    p->p.work == PLAN_DELETE;
}

static void
path_of(const struct plan *p, bool new, uint64_t item, char out[])
{
	if (new)
		snprintf(out, PATH_MAX_BYTES, "/%.64s/new-%u-%08llu",
		    p->p.bucket, p->run, (unsigned long long)item);
	else
		snprintf(out, PATH_MAX_BYTES, "/%.64s/fill-%llu-%08llu",
		    p->p.bucket, (unsigned long long)p->p.size,
		    (unsigned long long)item);
}

static void
path_query(const struct plan *p, enum kind k, uint64_t item, char path[],
    char query[])
{
	query[0] = '\0';
	if (k != KIND_LIST) {
		path_of(p, is_new(p, k), item, path);
		return;
	}
	snprintf(path, PATH_MAX_BYTES, "/%.64s", p->p.bucket);
	snprintf(query, PATH_MAX_BYTES, "list-type=2&max-keys=1000&"
	    "start-after=fill-%llu-%08llu", (unsigned long long)p->p.size,
	    (unsigned long long)item * p->p.keys / LIST_PLACES);
}

static unsigned
items(const struct plan *p, enum kind k)
{
	return k == KIND_LIST ? LIST_PLACES : p->p.keys;
}

static enum err
sign_all(struct plan *p, enum kind k)
{
	char path[PATH_MAX_BYTES], query[PATH_MAX_BYTES];
	unsigned n = items(p, k);

	if ((p->sign[k] = mem_array(n, sizeof(signature))) == NULL)
		return EC_ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		path_query(p, k, i, path, query);
		target_sign(p->t, methods[k], path, query, p->sign[k][i]);
	}
	return EC_OK;
}

static enum err
prepare(struct plan *p)
{
	static const enum kind one[PLAN_WORKS] = { KIND_PUT, KIND_GET,
		KIND_HEAD, KIND_RANGE, KIND_LIST, KIND_DELETE, KIND_GET,
		KIND_MULTIPART };
	enum err e;

	if ((p->there = mem_array(p->p.keys, sizeof(bool))) == NULL)
		return EC_ENOMEM;
	if (p->p.work == PLAN_MULTIPART)
		return multipart_new(&p->multipart, p->t, p->p.bucket,
		    p->p.size, p->p.part, p->run);
	if ((e = sign_all(p, one[p->p.work])) != EC_OK ||
	    p->p.work != PLAN_MIXED)
		return e;
	if ((e = sign_all(p, KIND_HEAD)) != EC_OK ||
	    (e = sign_all(p, KIND_PUT)) != EC_OK)
		return e;
	return sign_all(p, KIND_DELETE);
}

enum err
plan_new(struct plan **out, const struct plan_params *params,
    const struct target *t, unsigned run)
{
	struct plan *p = mem_array(1, sizeof(*p));
	enum err e;

	if (p == NULL)
		return EC_ENOMEM;
	p->p = *params;
	p->t = t;
	p->run = run;
	if ((e = prepare(p)) != EC_OK) {
		plan_free(p);
		return e;
	}
	*out = p;
	return EC_OK;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	for (unsigned k = 0; k < KINDS; k++)
		free(p->sign[k]);
	multipart_free(p->multipart);
	free(p->there);
	free(p);
}

static void
make(const struct plan *p, enum kind k, uint64_t item, struct request *out)
{
	char path[PATH_MAX_BYTES], query[PATH_MAX_BYTES], extra[80] = "";
	uint64_t at;

	out->kind = k;
	out->item = item;
	out->bodiless = k == KIND_HEAD;
	out->keep = false;
	out->mark_len = out->body_len = 0;
	if (k == KIND_PUT) {
		payload_set(out, p->p.size);
		snprintf(extra, sizeof(extra), "Content-Length: %llu\r\n",
		    (unsigned long long)p->p.size);
	} else if (k == KIND_RANGE) {
		at = payload_random() % (p->p.size - RANGE_BYTES + 1);
		snprintf(extra, sizeof(extra), "Range: bytes=%llu-%llu\r\n",
		    (unsigned long long)at,
		    (unsigned long long)at + RANGE_BYTES - 1);
	}
	path_query(p, k, item, path, query);
	out->head_len = target_head(p->t, out->head, methods[k], path, query,
	    extra, p->sign[k][item]);
}

/* A new key, or the next to delete. */
static enum err
next_put(struct plan *p, struct request *out)
{
	if (p->put == p->p.keys)
		return EC_ENOTFOUND;
	make(p, KIND_PUT, p->put++, out);
	return EC_OK;
}

static enum err
next_mixed(struct plan *p, struct request *out)
{
	unsigned dice = (unsigned)(payload_random() % 100);

	if (dice < 15)
		return next_put(p, out);
	if (dice < 25 && p->deleted < p->put && p->there[p->deleted]) {
		make(p, KIND_DELETE, p->deleted++, out);
		return EC_OK;
	}
	make(p, dice < 55 ? KIND_HEAD : KIND_GET,
	    payload_random() % p->p.keys, out);
	return EC_OK;
}

enum err
plan_next(struct plan *p, struct request *out)
{
	switch (p->p.work) {
	case PLAN_PUT:
		return next_put(p, out);
	case PLAN_DELETE:
		if (p->deleted == p->p.keys)
			return EC_ENOTFOUND;
		make(p, KIND_DELETE, p->deleted++, out);
		return EC_OK;
	case PLAN_MIXED:
		return next_mixed(p, out);
	case PLAN_MULTIPART:
		out->kind = KIND_MULTIPART;
		return multipart_next(p->multipart, out);
	case PLAN_LIST:
		make(p, KIND_LIST, payload_random() % LIST_PLACES, out);
		return EC_OK;
	case PLAN_GET:
	case PLAN_HEAD:
	case PLAN_RANGE:
	default:
		make(p, p->p.work == PLAN_GET ? KIND_GET :
		    p->p.work == PLAN_HEAD ? KIND_HEAD : KIND_RANGE,
		    payload_random() % p->p.keys, out);
		return EC_OK;
	}
}

enum err
plan_done(struct plan *p, const struct conn *c)
{
	bool good = c->status >= 200 && c->status <= 299;

	if (!good)
		return EC_EIO;
	switch ((enum kind)c->rq.kind) {
	case KIND_PUT:
		if (c->rq.item < p->p.keys)
			p->there[c->rq.item] = true;
		return EC_OK;
	case KIND_GET:
		return c->got == p->p.size ? EC_OK : EC_EIO;
	case KIND_RANGE:
		return c->got == RANGE_BYTES ? EC_OK : EC_EIO;
	case KIND_MULTIPART:
		return multipart_done(p->multipart, c);
	case KIND_HEAD:
	case KIND_LIST:
	case KIND_DELETE:
	case KINDS:
	default:
		return EC_OK;
	}
}

enum err
plan_fill_next(struct plan *p, struct request *out)
{
	char path[PATH_MAX_BYTES], extra[48];
	signature s;

	if (p->filled == p->p.keys || p->p.work == PLAN_PUT ||
	    p->p.work == PLAN_MULTIPART)
		return EC_ENOTFOUND;
	path_of(p, p->p.work == PLAN_DELETE, p->filled++, path);
	target_sign(p->t, "PUT", path, "", s);
	payload_set(out, p->p.size);
	snprintf(extra, sizeof(extra), "Content-Length: %llu\r\n",
	    (unsigned long long)p->p.size);
	out->head_len = target_head(p->t, out->head, "PUT", path, "", extra,
	    s);
	out->kind = KIND_PUT;
	out->item = p->p.keys;
	out->keep = out->bodiless = false;
	return EC_OK;
}

uint64_t
plan_bytes(const struct plan *p, const struct conn *c)
{
	(void)p;
	return c->rq.kind == KIND_GET || c->rq.kind == KIND_RANGE ? c->got :
	    c->rq.mark_len + c->rq.body_len;
}

bool
plan_counts(const struct conn *c)
{
	return c->rq.kind != KIND_MULTIPART || c->rq.mark_len > 0;
}

void
plan_bucket(const struct plan_params *params, const struct target *t,
    struct request *out)
{
	char path[PATH_MAX_BYTES];
	signature s;

	*out = (struct request){ .kind = KIND_LIST };
	snprintf(path, sizeof(path), "/%.64s", params->bucket);
	target_sign(t, "PUT", path, "", s);
	out->head_len = target_head(t, out->head, "PUT", path, "",
	    "Content-Length: 0\r\n", s);
}
