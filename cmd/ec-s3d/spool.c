#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "object_write.h"
#include "spool.h"
#include "system_bucket.h"

#define PREFIX "spool/"

enum { SWEEP_MAX = 100 };
static const uint64_t keep_us = UINT64_C(86400) * 1000000;

/* What servers left that are no more. */
static void
sweep(struct store *st)
{
	const struct list_params p = { .bucket = SYSTEM_BUCKET,
		.prefix = PREFIX, .limit = SWEEP_MAX };
	uint64_t now = clock_real_us();
	struct list *l = NULL;
	bool more;

	if (store_list(st, &p, &l, &more) != EC_OK)
		return;
	for (unsigned i = 0; i < list_count(l); i++)
		if (list_at(l, i)->mtime_us + keep_us < now)
			(void)store_delete(st, SYSTEM_BUCKET,
			    list_at(l, i)->key, NULL, NULL, NULL);
	list_free(l);
}

enum s3_error
spool_fill(struct call *c, struct body *b, struct spool *out)
{
	struct put_params params = { .bucket = SYSTEM_BUCKET,
		.parity = -1, .size = b->length };
	struct object written = OBJECT_INIT;
	struct store_put *p = NULL;
	enum s3_error e;

	out->store = c->server->store;
	sweep(out->store);
	snprintf(out->key, sizeof(out->key), PREFIX "%s", c->id);
	params.key = out->key;
	if ((e = call_store(c, system_bucket_put(out->store, &params, &p))) ==
	    S3_OK && (e = object_receive(c, b, p)) == S3_OK &&
	    (e = call_store(c, store_put_finish(p, NULL))) == S3_OK &&
	    (e = call_store(c, store_put_commit(p, NULL, NULL, &written))) ==
	    S3_OK)
		e = call_store(c, store_get_open(out->store, SYSTEM_BUCKET,
		    out->key, NULL, &out->get, &out->o));
	store_put_free(p);
	object_release(&written);
	return e;
}

void
spool_release(struct spool *s)
{
	get_free(s->get);
	s->get = NULL;
	object_release(&s->o);
	if (s->key[0] != '\0' && store_delete(s->store, SYSTEM_BUCKET, s->key,
	    NULL, NULL, NULL) != EC_OK)
		log_warn("%s/%s is left", SYSTEM_BUCKET, s->key);
	s->key[0] = '\0';
}

void
spool_rewind(struct spool *s)
{
	s->at = 0;
}

enum err
spool_read(void *ctx, void *buf, size_t max, size_t *got)
{
	struct spool *s = ctx;
	size_t n = (size_t)num_min(max, s->o.size - s->at);
	enum err e = n > 0 ? get_read(s->get, buf, n, s->at) : EC_OK;

	*got = e == EC_OK ? n : 0;
	s->at += *got;
	return e;
}
