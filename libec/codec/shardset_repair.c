#include <stdlib.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/outfile.h"
#include "codec/shardset.h"

static unsigned
total(const struct shardset *s)
{
	return s->header.stripe.k + s->header.stripe.m;
}

enum err
shardset_check(struct shardset *s, struct decode *d, bool deep)
{
	s->good = 0;
	for (unsigned i = 0; i < total(s); i++) {
		struct shardset_file *f = s->of[i];

		if (f == NULL)
			continue;
		f->why = deep ? decode_verify(d, i, &f->bad_off) :
		    decode_probe(d, i, &f->bad_off);
		if (f->why == EC_ENOMEM)
			return f->why;
		f->state = f->why == EC_OK ? SHARDSET_GOOD : SHARDSET_DAMAGED;
		s->good += f->why == EC_OK;
	}
	return EC_OK;
}

static bool
may_be_written(const struct shardset_file *f, bool force)
{
	return f->state == SHARDSET_MISSING || (force &&
	    (f->state == SHARDSET_ALIEN || f->state == SHARDSET_UNREADABLE));
}

static void
place(struct shardset *s, unsigned i, struct shardset_file *f)
{
	f->state = SHARDSET_DAMAGED;
	f->index = i;
	s->of[i] = f;
}

/* Give each shard that no file has one to be written to. */
static void
place_missing(struct shardset *s, bool force)
{
	for (unsigned i = 0; i < total(s) && i < s->n; i++)
		if (s->of[i] == NULL && may_be_written(&s->files[i], force))
			place(s, i, &s->files[i]);
	for (unsigned i = 0; i < total(s); i++)
		for (size_t j = 0; s->of[i] == NULL && j < s->n; j++)
			if (may_be_written(&s->files[j], force))
				place(s, i, &s->files[j]);
}

static enum err
write_shard(void *ctx, const void *buf, size_t len)
{
	struct outfile *o = ctx;
	enum err e = io_write_full(o->fd, buf, len);

	if (e != EC_OK)
		log_error("%s: %s", o->path, err_text(e));
	return e;
}

static enum err
open_damaged(const struct shardset *s, struct outfile *out,
    struct encode_sink *sinks)
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < total(s) && e == EC_OK; i++) {
		if (s->of[i] == NULL || s->of[i]->state != SHARDSET_DAMAGED)
			continue;
		e = outfile_open(&out[i], s->of[i]->path, true);
		sinks[i] = (struct encode_sink){ write_shard, &out[i] };
	}
	return e;
}

static enum err
commit(const struct shardset *s, struct outfile *out)
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < total(s) && e == EC_OK; i++)
		if (out[i].fd >= 0)
			e = outfile_sync(&out[i]);
	for (unsigned i = 0; i < total(s) && e == EC_OK; i++)
		if (out[i].named)
			e = outfile_commit(&out[i]);
	return e;
}

static enum err
rebuild(struct shardset *s, struct decode *d)
{
	struct outfile *out = mem_array(total(s), sizeof(*out));
	struct encode_sink sinks[RS_SHARDS_MAX] = { { NULL, NULL } };
	enum err e = EC_ENOMEM;

	if (out == NULL)
		return e;
	for (unsigned i = 0; i < total(s); i++)
		out[i] = (struct outfile)OUTFILE_INIT;
	if ((e = open_damaged(s, out, sinks)) == EC_OK &&
	    (e = decode_rebuild(d, sinks)) == EC_OK)
		e = commit(s, out);
	for (unsigned i = 0; i < total(s); i++)
		outfile_release(&out[i]);
	free(out);
	return e;
}

enum err
shardset_repair(struct shardset *s, struct decode *d, bool force, bool dry)
{
	unsigned homeless = 0, todo = 0;
	enum err e = EC_OK;

	place_missing(s, force);
	for (unsigned i = 0; i < total(s); i++) {
		homeless += s->of[i] == NULL;
		todo += s->of[i] != NULL && s->of[i]->state != SHARDSET_GOOD;
	}
	if (todo > 0 && !dry)
		e = rebuild(s, d);
	if (e != EC_OK)
		return e;
	for (unsigned i = 0; i < total(s); i++)
		if (s->of[i] != NULL && s->of[i]->state == SHARDSET_DAMAGED) {
			s->of[i]->state = SHARDSET_REPAIRED;
			s->good++;
		}
	return homeless > 0 ? EC_EDEGRADED : EC_OK;
}
