/* repair_work: see the header. */
#include "store/repair_work.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "set/filling.h"
#include "set/heal_merge.h"

enum {
	THREADS = 8,
	JOBS_MAX = 32,		/* submitted and not done */
	QUEUE_PAGE = 64,
	WAIT_STEP_MS = 100,	/* how often the caller hears of progress */
	AGAIN_MAX = 1000,
	AGAIN_TRIES = 600,	/* a WAIT_STEP_MS apart */
};

struct repair_job {
	struct repair_job *next;	/* of w->again */
	unsigned tries;
	struct repair_work *w;
	struct set *s;
	bool queued;		/* an entry of the queue, to be taken off */
	struct heal_item item;	/* else only bucket and key are set */
};

/* What a dry look at one key showed. */
struct glance {
	bool suspect;
	uint64_t versions, bytes;
};

enum err
repair_work_init(struct repair_work *w, const struct repair_params *p,
    struct repair_result *out)
{
	pthread_condattr_t attr;
	enum err e;

	memset(w, 0, sizeof *w);
	w->p = p;
	w->out = out;
	atomic_init(&w->canceled, false);
	if ((e = workers_new(&w->workers, THREADS)) != EC_OK)
		return e;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->idle, &attr);
	pthread_condattr_destroy(&attr);
	return EC_OK;
}

void
repair_work_release(struct repair_work *w)
{
	workers_free(w->workers);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->lock);
}

static unsigned
flags(const struct repair_work *w)
{
	return (w->p->dry ? HEAL_DRY : 0) | (w->p->deep ? HEAL_DEEP : 0);
}

static bool
canceled(void *ctx)
{
	return atomic_load(&((struct repair_work *)ctx)->canceled);
}

enum err
repair_work_step(struct repair_work *w)
{
	pthread_mutex_lock(&w->lock);
	if (!canceled(w) && w->p->progress != NULL &&
	    w->p->progress(w->p->ctx, w->out->looked, w->out->bytes))
		atomic_store(&w->canceled, true);
	pthread_mutex_unlock(&w->lock);
	return canceled(w) ? EC_ECANCELED : EC_OK;
}

static void
count(struct repair_result *out, const struct heal_report *r)
{
	bool whole = true;

	for (unsigned i = 0; i < r->drives; i++)
		whole = whole && (r->after[i] == HEAL_OK ||
		    r->after[i] == HEAL_OFFLINE);
	if (r->lost)
		out->lost++;
	else if (r->undecided)
		out->undecided++;
	else if (whole)
		out->healed++;
	else
		out->left++;
}

static void
report(void *ctx, const struct heal_report *r)
{
	struct repair_work *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->out->looked++;
	w->out->bytes += r->bytes + r->bytes_read;
	if (heal_report_bad(r)) {
		count(w->out, r);
		if (w->p->each != NULL)
			w->p->each(w->p->ctx, r);
	}
	pthread_mutex_unlock(&w->lock);
}

static void
glance_report(void *ctx, const struct heal_report *r)
{
	struct glance *g = ctx;

	g->suspect = g->suspect || heal_report_bad(r);
	g->versions++;
	g->bytes += r->bytes_read;
}

/* Remains of a write that may be under way are no reason to worry. */
static enum err
calm(enum err e)
{
	return e == EC_EBUSY ? EC_OK : e;
}

/* Something is said to be wrong: if that is not seen at once, all of it is
 * verified. */
static enum err
heal_suspect(struct repair_work *w, struct set *s, const char *bucket,
    const char *key, const struct stamp *version)
{
	const struct heal_watch watch = { report, canceled, w };
	struct glance g = { .suspect = false };
	const struct heal_watch look = { glance_report, canceled, &g };
	unsigned deep = HEAL_DEEP;

	if (!w->p->deep) {
		heal_key(s, bucket, key, version, HEAL_DRY, &look);
		deep = g.suspect ? 0 : HEAL_DEEP;
	}
	return heal_key(s, bucket, key, version, flags(w) | deep, &watch);
}

static void
pause_step(void)
{
	const struct timespec ts = { 0, WAIT_STEP_MS * 1000000L };

	nanosleep(&ts, NULL);
}

static enum err
heal_one(struct repair_work *w, struct set *s, const char *bucket,
    const char *key, const struct stamp *version)
{
	const struct heal_watch watch = { report, canceled, w };
	enum err e;

	if (key[0] == '\0')
		return heal_buckets(s, flags(w), &watch);
	e = heal_suspect(w, s, bucket, key, version);
	if (e == EC_ECANCELED)
		return e;
	return heal_worse(e, heal_uploads(s, bucket, key, flags(w), &watch));
}

enum err
repair_work_one(struct repair_work *w, struct set *s, const char *bucket,
    const char *key, const struct stamp *version)
{
	enum err e = heal_one(w, s, bucket, key, version);

	for (unsigned i = 0; e == EC_EOWNED && i < AGAIN_TRIES; i++) {
		pause_step();
		e = heal_one(w, s, bucket, key, version);
	}
	return e == EC_EOWNED ? EC_EDEGRADED : e;
}

static enum err
job_heal(struct repair_job *j)
{
	struct repair_work *w = j->w;
	const struct heal_watch watch = { report, canceled, w };
	enum err e;

	if (canceled(w))
		return EC_ECANCELED;
	if (!j->queued)
		return heal_key(j->s, j->item.bucket, j->item.key, NULL,
		    flags(w), &watch);
	e = heal_one(w, j->s, j->item.bucket, j->item.key, NULL);
	if (e == EC_OK && !w->p->dry)
		heal_queue_done(j->s, &j->item);
	return e;
}

/* With w->lock held. */
static enum err
noted(struct repair_work *w, enum err e)
{
	if (e != EC_ELOST)
		w->other = heal_worse(w->other, e);
	return e;
}

static void
job_run(void *arg)
{
	struct repair_job *j = arg;
	struct repair_work *w = j->w;
	enum err e = job_heal(j);

	pthread_mutex_lock(&w->lock);
	if (e == EC_EOWNED && j->tries < AGAIN_TRIES) {
		j->next = w->again;
		w->again = j;
		w->again_count++;
	} else {
		w->worst = heal_worse(w->worst, noted(w,
		    e == EC_EOWNED ? EC_EDEGRADED : calm(e)));
		free(j);
	}
	w->busy--;
	pthread_cond_signal(&w->idle);
	pthread_mutex_unlock(&w->lock);
}

/* Wait until at most ${left} jobs are not done. */
static void
wait_busy(struct repair_work *w, unsigned left)
{
	pthread_mutex_lock(&w->lock);
	while (w->busy > left) {
		uint64_t until = clock_mono_us() + WAIT_STEP_MS * 1000;
		struct timespec ts = { (time_t)(until / 1000000),
			(long)(until % 1000000) * 1000 };

		pthread_cond_timedwait(&w->idle, &w->lock, &ts);
		pthread_mutex_unlock(&w->lock);
		repair_work_step(w);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

static void
job_submit(struct repair_job *j)
{
	struct repair_work *w = j->w;

	wait_busy(w, JOBS_MAX - 1);
	pthread_mutex_lock(&w->lock);
	w->busy++;
	pthread_mutex_unlock(&w->lock);
	if (workers_submit(w->workers, job_run, j) != EC_OK)
		job_run(j);
}

/* What another heal was at work on: see what became of it. */
static void
submit_again(struct repair_work *w)
{
	struct repair_job *j, *next;

	pause_step();
	pthread_mutex_lock(&w->lock);
	j = w->again;
	w->again = NULL;
	w->again_count = 0;
	pthread_mutex_unlock(&w->lock);
	for (; j != NULL; j = next) {
		next = j->next;
		j->tries++;
		job_submit(j);
	}
}

static enum err
settle(struct repair_work *w)
{
	enum err e;

	for (wait_busy(w, 0); w->again != NULL; wait_busy(w, 0)) {
		submit_again(w);
		repair_work_step(w);
	}
	e = w->worst;
	w->worst = EC_OK;
	return e;
}

/* Heal a key, or an entry of the queue, by and by. */
static enum err
submit(struct repair_work *w, struct set *s, const char *bucket,
    const char *key, const struct heal_item *item)
{
	struct repair_job *j = calloc(1, sizeof *j);

	if (j == NULL)
		return EC_ENOMEM;
	j->w = w;
	j->s = s;
	if (item != NULL) {
		j->queued = true;
		j->item = *item;
	} else {
		memcpy(j->item.bucket, bucket, strlen(bucket) + 1);
		memcpy(j->item.key, key, strlen(key) + 1);
	}
	job_submit(j);
	while (w->again_count > AGAIN_MAX)
		submit_again(w);
	return repair_work_step(w);
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

/* A page's key: what looks bad in it is healed from what the drives say then,
 * not from the page. */
static enum err
walk_key(struct repair_work *w, struct set *s, struct heal_census *c,
    const struct resolve_input group[], const struct record *first, bool cut)
{
	struct glance g = { .suspect = true };
	const struct heal_watch look = { glance_report, canceled, &g };
	enum err e;

	if (!cut) {
		if ((e = heal_census_judge(c, group, set_drives(s))) != EC_OK)
			return e;
		if (records_whole(c) && !heal_census_purges(c)) {
			g.suspect = false;
			heal_census_key(s, c, NULL, flags(w) | HEAL_DRY,
			    &look);
		}
	}
	if (g.suspect)
		return submit(w, s, first->bucket, first->key, NULL);
	pthread_mutex_lock(&w->lock);
	w->out->looked += g.versions;
	w->out->bytes += g.bytes;
	pthread_mutex_unlock(&w->lock);
	return repair_work_step(w);
}

static enum err
walk_versions(struct repair_work *w, struct set *s)
{
	const struct drive_query q = {
		.table = DRIVE_VERSIONS, .bucket = w->p->bucket,
		.prefix = w->p->prefix, .want_parts = true,
	};
	struct resolve_input group[SET_DRIVES_MAX];
	struct heal_census c = HEAL_CENSUS_INIT;
	const struct record *first;
	struct heal_walk walk;
	enum err e;
	bool cut;

	heal_walk_init(&walk, s, &q);
	while ((e = heal_walk_next(&walk, group, &first, &cut)) == EC_OK &&
	    first != NULL)
		if ((e = walk_key(w, s, &c, group, first, cut)) != EC_OK)
			break;
	e = heal_worse(e, settle(w));
	noted(w, e);
	heal_walk_release(&walk);
	heal_census_release(&c);
	return e;
}

/* Uploads and their parts, until no other heal is at work on one. */
static enum err
walk_uploads(struct repair_work *w, struct set *s)
{
	const struct heal_watch watch = { report, canceled, w };
	enum err e = heal_uploads(s, NULL, NULL, flags(w), &watch);

	for (unsigned i = 0; e == EC_EOWNED && i < AGAIN_TRIES; i++) {
		pause_step();
		e = heal_uploads(s, NULL, NULL, flags(w), &watch);
	}
	return e == EC_EOWNED ? EC_EDEGRADED : e;
}

enum err
repair_work_tables(struct repair_work *w, struct set *s)
{
	const struct heal_watch watch = { report, canceled, w };
	enum err e = heal_buckets(s, flags(w), &watch);

	return e == EC_ECANCELED ? e : calm(heal_worse(e, walk_uploads(w, s)));
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

enum err
repair_work_walk(struct repair_work *w, struct set *s)
{
	bool all = w->p->bucket == NULL && w->p->prefix == NULL &&
	    !w->p->dry;
	const struct repair_result before = *w->out;
	struct filling filling;
	enum err e = EC_OK;

	w->other = EC_OK;
	if (all && (e = filling_look(s, &filling)) != EC_OK)
		return e;
	if (w->p->bucket == NULL)
		e = noted(w, repair_work_tables(w, s));
	if (e == EC_ECANCELED)
		return e;
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

/* An entry without a bucket stands for all of the set. */
static enum err
queue_item(struct repair_work *w, struct set *s, const struct heal_item *item)
{
	enum err e;

	if (item->bucket[0] != '\0')
		return submit(w, s, NULL, NULL, item);
	w->done = false;
	e = heal_worse(settle(w), repair_work_walk(w, s));
	if (w->done)
		heal_queue_done(s, item);
	pthread_mutex_lock(&w->lock);
	w->worst = heal_worse(w->worst, e);
	pthread_mutex_unlock(&w->lock);
	return e == EC_ENOMEM || e == EC_ECANCELED ? e : EC_OK;
}

enum err
repair_work_queue(struct repair_work *w, struct set *s, struct stamp *after)
{
	struct heal_item *item;
	unsigned n = 1;
	enum err e = EC_OK;

	while (n > 0 && e == EC_OK) {
		e = heal_queue_list(s, after, QUEUE_PAGE, &item, &n);
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			*after = item[i].noted;
			e = queue_item(w, s, &item[i]);
		}
		free(item);
	}
	return heal_worse(e, settle(w));
}
