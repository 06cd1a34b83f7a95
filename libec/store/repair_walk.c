/* repair_walk: all of a set, and its queue. */
#include <stdlib.h>

#include "base/log.h"
#include "set/filling.h"
#include "set/heal_merge.h"
#include "set/heal_outbox.h"
#include "store/repair_work_impl.h"

enum {
	QUEUE_PAGE = 64,
	FILL_ROWS = 32,		/* with their data, at most 128 KiB each */
};

/* With a drive to be filled nearly all keys lack something: then a page has
 * what it takes to heal them. */
static bool
fills(const struct repair_work *w, const struct set *s)
{
	return filling_any(s) && !w->urgent && !w->p->dry;
}

/* Every live version's record where it should be: cheap, and with a new drive
 * seldom so. */
static bool
records_whole(const struct heal_census *c)
{
	for (unsigned i = 0; i < c->version_count; i++) {
		const struct heal_version *v = &c->versions[i];

		if (v->fate != HEAL_LIVE)
			return false;
		for (unsigned j = 0; j < c->drives; j++)
			if (c->answered[j] &&
			    !heal_version_recorded(v, j, c->drives))
				return false;
	}
	return true;
}

static enum err
urgent_key(struct repair_work *w, struct set *s, struct heal_census *c,
    const struct record *first)
{
	struct repair_glance g = { .w = w };
	const struct heal_watch look = repair_glance_watch(&g);

	heal_census_key(s, c, NULL, repair_flags(w) | HEAL_DRY, &look);
	return g.suspect && g.bare ? repair_submit(w, s, first->bucket,
	    first->key, NULL) : repair_work_step(w);
}

/* All that the key may lack can be had from the page: no shard files, and
 * nothing to be judged or purged. */
static bool
all_inline(const struct heal_census *c)
{
	for (unsigned i = 0; i < c->version_count; i++) {
		const struct record *r = c->versions[i].best;

		if (c->versions[i].fate != HEAL_LIVE ||
		    (r->kind == RECORD_OBJECT &&
		    (r->flags & RECORD_INLINE) == 0))
			return false;
	}
	return !heal_census_purges(c);
}

static enum err
fill_ended(struct repair_work *w, enum err e)
{
	pthread_mutex_lock(&w->lock);
	w->worst = heal_worse(w->worst, repair_noted(w, repair_calm(e)));
	pthread_mutex_unlock(&w->lock);
	return e;
}

/* Small objects are not worth a job each: their records go to a new drive many
 * at a time. */
static enum err
fill_key(struct repair_work *w, struct set *s, struct heal_census *c,
    const struct record *first)
{
	const struct heal_watch watch = { .outbox = w->outbox };

	if (!all_inline(c) || c->version_count > HEAL_OUTBOX_KEY)
		return repair_submit_census(w, s, first, c);
	if (!heal_outbox_room(w->outbox, c->version_count))
		fill_ended(w, heal_outbox_send(w->outbox));
	if (fill_ended(w, heal_census_key(s, c, NULL, repair_flags(w),
	    &watch)) == EC_ENOMEM)
		return EC_ENOMEM;
	return repair_work_step(w);
}

/* A page's key: what looks bad in it is healed from what the drives say then,
 * or, when the page has all that it takes, from the page. */
static enum err
walk_key(struct repair_work *w, struct set *s, struct heal_census *c,
    const struct resolve_input group[], const struct record *first, bool cut)
{
	struct repair_glance g = { .w = w, .suspect = true };
	const struct heal_watch look = repair_glance_watch(&g);
	enum err e;

	if (!cut) {
		if ((e = heal_census_judge(c, group, set_drives(s))) != EC_OK)
			return e;
		if (w->urgent)
			return urgent_key(w, s, c, first);
		if (records_whole(c) && !heal_census_purges(c)) {
			g.suspect = false;
			heal_census_key(s, c, NULL, repair_flags(w) | HEAL_DRY,
			    &look);
		}
	}
	if (g.suspect && !cut && w->outbox != NULL && c->version_count > 0)
		return fill_key(w, s, c, first);
	if (g.suspect)
		return repair_submit(w, s, first->bucket, first->key, NULL);
	pthread_mutex_lock(&w->lock);
	w->out->looked += g.versions;
	w->out->bytes += g.bytes;
	pthread_mutex_unlock(&w->lock);
	return repair_work_step(w);
}

static bool
busy(struct repair_work *w)
{
	bool is;

	pthread_mutex_lock(&w->lock);
	is = w->busy > 0;
	pthread_mutex_unlock(&w->lock);
	return is;
}

/* What waits in the outbox must not wait for large objects, too: it may be
 * overwritten meanwhile. */
static void
page_done(void *ctx)
{
	struct repair_work *w = ctx;
	enum err e;

	if (w->outbox != NULL && busy(w))
		fill_ended(w, heal_outbox_send(w->outbox));
	e = repair_settle(w);
	w->worst = heal_worse(w->worst, e);
}

static enum err
walk_versions(struct repair_work *w, struct set *s)
{
	const struct drive_query q = {
		.table = DRIVE_VERSIONS, .bucket = w->p->bucket,
		.prefix = w->p->prefix, .want_parts = true,
		.want_inline = fills(w, s),
		.limit = fills(w, s) ? FILL_ROWS : 0,
	};
	struct resolve_input group[SET_DRIVES_MAX];
	struct heal_census c = HEAL_CENSUS_INIT;
	const struct record *first;
	struct heal_walk walk;
	enum err e;
	bool cut;

	if (fills(w, s) && (e = heal_outbox_new(&w->outbox, s, repair_report,
	    w)) != EC_OK)
		return e;
	heal_walk_init(&walk, s, &q);
	walk.leave = page_done;
	walk.ctx = w;
	while ((e = heal_walk_next(&walk, group, &first, &cut)) == EC_OK &&
	    first != NULL)
		if ((e = walk_key(w, s, &c, group, first, cut)) != EC_OK)
			break;
	if (w->outbox != NULL)
		fill_ended(w, heal_outbox_send(w->outbox));
	heal_outbox_free(w->outbox);
	w->outbox = NULL;
	e = heal_worse(e, repair_settle(w));
	repair_noted(w, e);
	heal_walk_release(&walk);
	heal_census_release(&c);
	return e;
}

/* Uploads and their parts, until no other heal is at work on one. */
static enum err
walk_uploads(struct repair_work *w, struct set *s)
{
	const struct heal_watch watch = repair_watch(w);
	enum err e = heal_uploads(s, NULL, NULL, repair_flags(w), &watch);

	for (unsigned i = 0; e == EC_EOWNED && i < REPAIR_TRIES; i++) {
		repair_pause();
		e = heal_uploads(s, NULL, NULL, repair_flags(w), &watch);
	}
	return e == EC_EOWNED ? EC_EDEGRADED : e;
}

enum err
repair_work_tables(struct repair_work *w, struct set *s)
{
	const struct heal_watch watch = repair_watch(w);
	enum err e = heal_buckets(s, repair_flags(w), &watch);

	if (e == EC_ECANCELED)
		return e;
	return repair_calm(heal_worse(e, walk_uploads(w, s)));
}

/* Of a walk of all that ended with ${e}: nothing is left that could be done. */
static bool
walk_whole(struct repair_work *w, struct set *s, enum err e,
    const struct repair_result *before)
{
	if (e == EC_OK)
		return true;
	/* A version that is lost may hide what else there was. */
	if (e != EC_ELOST || w->other != EC_OK ||
	    w->out->left > before->left ||
	    w->out->undecided > before->undecided)
		return false;
	for (unsigned i = 0; i < set_drives(s); i++)
		if (lane_state(set_lane(s, i)) != LANE_ONLINE)
			return false;
	return true;
}

static unsigned
fresh(const struct set *s, const struct filling *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < set_drives(s); i++)
		n += f->is[i];
	return n;
}

enum err
repair_work_walk(struct repair_work *w, struct set *s)
{
	bool all = w->p->bucket == NULL && w->p->prefix == NULL &&
	    !w->p->dry;
	const struct repair_result before = *w->out;
	uint64_t looked;
	struct filling filling;
	enum err e = EC_OK;

	w->other = EC_OK;
	if (all && (e = filling_look(s, &filling)) != EC_OK)
		return e;
	if (w->p->bucket == NULL)
		e = repair_noted(w, repair_work_tables(w, s));
	if (e == EC_ECANCELED)
		return e;
	if (all && fresh(s, &filling) > 1) {
		looked = w->out->looked;
		w->urgent = true;
		e = heal_worse(e, walk_versions(w, s));
		w->urgent = false;
		w->out->looked = looked;	/* all is, once more */
	}
	e = heal_worse(e, walk_versions(w, s));
	if (!all || !walk_whole(w, s, e, &before))
		return e;
	if (e == EC_ELOST && filling_any(s))
		log_error("%llu versions were lost with the drives that were "
		    "replaced; the scan names them",
		    (unsigned long long)(w->out->lost - before.lost));
	filling_done(s, &filling);
	w->done = true;
	return e;
}

/* Those of one listing that say since when drives are to be compared. */
struct since {
	uint64_t hlc;		/* the earliest of them */
	bool walked;		/* ... since the listing */
	enum err e;
};

static struct since
since_earliest(const struct heal_item *item, unsigned n)
{
	struct since since = { .hlc = UINT64_MAX };

	for (unsigned i = 0; i < n; i++)
		if (item[i].bucket[0] == '\0' && item[i].version.hlc > 0 &&
		    item[i].version.hlc < since.hlc)
			since.hlc = item[i].version.hlc;
	return since;
}

static enum err
queue_since(struct repair_work *w, struct set *s, struct since *since)
{
	if (!since->walked)
		since->e = repair_since(w, s, since->hlc);
	since->walked = true;
	w->done = since->e == EC_OK && !w->p->dry;
	return since->e;
}

/* An entry without a bucket stands for all of the set, or with a version for
 * what was written since that. */
static enum err
queue_item(struct repair_work *w, struct set *s, const struct heal_item *item,
    struct since *since)
{
	enum err e;

	if (item->bucket[0] != '\0')
		return repair_submit(w, s, NULL, NULL, item);
	w->done = false;
	if (item->version.hlc > 0) {
		e = queue_since(w, s, since);
	} else {
		e = repair_settle(w);	/* a walk counts what is done alone */
		e = heal_worse(e, repair_work_walk(w, s));
	}
	if (w->done)
		heal_queue_done(s, item);
	pthread_mutex_lock(&w->lock);
	w->worst = heal_worse(w->worst, e);
	pthread_mutex_unlock(&w->lock);
	return e == EC_ENOMEM || e == EC_ECANCELED ? e : EC_OK;
}

static enum err
queue_pass(struct repair_work *w, struct set *s, struct stamp *after)
{
	struct heal_item *item;
	struct since since;
	unsigned n = 1;
	enum err e = EC_OK;

	while (n > 0 && e == EC_OK) {
		e = heal_queue_list(s, after, QUEUE_PAGE, &item, &n);
		since = since_earliest(item, n);
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			*after = item[i].noted;
			if (!w->urgent || item[i].key[0] != '\0')
				e = queue_item(w, s, &item[i], &since);
		}
		free(item);
	}
	return heal_worse(e, repair_settle(w));
}

enum err
repair_work_queue(struct repair_work *w, struct set *s, struct stamp *after)
{
	struct stamp from = *after;
	struct heal_item *item = NULL;
	unsigned n = 0;
	enum err e = heal_queue_list(s, after, QUEUE_PAGE + 1, &item, &n);

	free(item);
	if (e == EC_OK && n > QUEUE_PAGE) {
		w->urgent = true;
		e = queue_pass(w, s, &from);
		w->urgent = false;
	}
	return e == EC_ENOMEM || e == EC_ECANCELED ? e :
	    heal_worse(e, queue_pass(w, s, after));
}
