/* repair_work: see the header. */
#include "store/repair_work_impl.h"

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
	WAIT_STEP_MS = 100,	/* how often the caller hears of progress */
	AGAIN_MAX = 1000,
};

struct repair_job {
	struct repair_job *next;	/* of w->again */
	unsigned tries;
	struct repair_work *w;
	struct set *s;
	struct heal_census census;	/* by it, if it has versions; once */
	bool queued;		/* an entry of the queue, to be taken off */
	struct heal_item item;	/* else only bucket and key are set */
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

unsigned
repair_flags(const struct repair_work *w)
{
	return (w->p->dry ? HEAL_DRY : 0) | (w->p->deep ? HEAL_DEEP : 0);
}

bool
repair_canceled(void *ctx)
{
	return atomic_load(&((struct repair_work *)ctx)->canceled);
}

enum err
repair_work_step(struct repair_work *w)
{
	pthread_mutex_lock(&w->lock);
	if (!repair_canceled(w) && w->p->progress != NULL &&
	    w->p->progress(w->p->ctx, w->out->looked, w->out->bytes))
		atomic_store(&w->canceled, true);
	pthread_mutex_unlock(&w->lock);
	return repair_canceled(w) ? EC_ECANCELED : EC_OK;
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

void
repair_report(void *ctx, const struct heal_report *r)
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
	struct repair_glance *g = ctx;
	unsigned good = 0;

	for (unsigned i = 0; i < r->drives; i++)
		good += r->before[i] == HEAL_OK;
	g->bare = g->bare || (r->k > 0 && good == r->k);
	g->suspect = g->suspect || heal_report_bad(r);
	g->versions++;
	g->bytes += r->bytes_read;
}

static bool
glance_canceled(void *ctx)
{
	return repair_canceled(((struct repair_glance *)ctx)->w);
}

struct heal_watch
repair_glance_watch(struct repair_glance *g)
{
	return (struct heal_watch){ .each = glance_report,
		.canceled = glance_canceled, .ctx = g };
}

struct heal_watch
repair_watch(struct repair_work *w)
{
	return (struct heal_watch){ .each = repair_report,
		.canceled = repair_canceled, .ctx = w };
}

enum err
repair_calm(enum err e)
{
	return e == EC_EBUSY ? EC_OK : e;
}

/* Something is said to be wrong: if that is not seen at once, all of it is
 * verified. */
static enum err
heal_suspect(struct repair_work *w, struct set *s, const char *bucket,
    const char *key, const struct stamp *version)
{
	const struct heal_watch watch = repair_watch(w);
	struct repair_glance g = { .w = w };
	const struct heal_watch look = repair_glance_watch(&g);
	unsigned deep = HEAL_DEEP;

	if (!w->p->deep) {
		heal_key(s, bucket, key, version, HEAL_DRY, &look);
		deep = g.suspect ? 0 : HEAL_DEEP;
	}
	return heal_key(s, bucket, key, version, repair_flags(w) | deep,
	    &watch);
}

void
repair_pause(void)
{
	const struct timespec ts = { 0, WAIT_STEP_MS * 1000000L };

	nanosleep(&ts, NULL);
}

static enum err
heal_one(struct repair_work *w, struct set *s, const char *bucket,
    const char *key, const struct stamp *version)
{
	const struct heal_watch watch = repair_watch(w);
	enum err e;

	if (key[0] == '\0')
		return heal_buckets(s, repair_flags(w), &watch);
	e = heal_suspect(w, s, bucket, key, version);
	if (e == EC_ECANCELED)
		return e;
	return heal_worse(e, heal_uploads(s, bucket, key, repair_flags(w),
	    &watch));
}

enum err
repair_work_one(struct repair_work *w, struct set *s, const char *bucket,
    const char *key, const struct stamp *version)
{
	enum err e = heal_one(w, s, bucket, key, version);

	for (unsigned i = 0; e == EC_EOWNED && i < REPAIR_TRIES; i++) {
		repair_pause();
		e = heal_one(w, s, bucket, key, version);
	}
	return e == EC_EOWNED ? EC_EDEGRADED : e;
}

/* A look at what is there, not at whether it holds. */
static bool
is_urgent(struct repair_work *w, struct set *s, const struct heal_item *item)
{
	struct repair_glance g = { .w = w };
	const struct heal_watch look = repair_glance_watch(&g);

	heal_key(s, item->bucket, item->key, NULL, HEAL_DRY, &look);
	return g.suspect && g.bare;
}

/* What another heal is at work on is looked at anew. */
static enum err
job_census(struct repair_job *j, const struct heal_watch *watch)
{
	enum err e = heal_census_key(j->s, &j->census, NULL,
	    repair_flags(j->w), watch);

	heal_census_release(&j->census);
	return e;
}

static enum err
job_heal(struct repair_job *j)
{
	struct repair_work *w = j->w;
	const struct heal_watch watch = repair_watch(w);
	enum err e;

	if (repair_canceled(w))
		return EC_ECANCELED;
	if (j->census.version_count > 0)
		return job_census(j, &watch);
	if (w->urgent && !is_urgent(w, j->s, &j->item))
		return EC_OK;
	if (!j->queued)
		return heal_key(j->s, j->item.bucket, j->item.key, NULL,
		    repair_flags(w), &watch);
	e = heal_one(w, j->s, j->item.bucket, j->item.key, NULL);
	if (e == EC_OK && !w->p->dry)
		heal_queue_done(j->s, &j->item);
	return e;
}

enum err
repair_noted(struct repair_work *w, enum err e)
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
	if (e == EC_EOWNED && j->tries < REPAIR_TRIES) {
		j->next = w->again;
		w->again = j;
		w->again_count++;
	} else {
		w->worst = heal_worse(w->worst, repair_noted(w,
		    e == EC_EOWNED ? EC_EDEGRADED : repair_calm(e)));
		heal_census_release(&j->census);
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

	repair_pause();
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

enum err
repair_settle(struct repair_work *w)
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

static struct repair_job *
job_new(struct repair_work *w, struct set *s)
{
	struct repair_job *j = calloc(1, sizeof *j);

	if (j == NULL)
		return NULL;
	j->w = w;
	j->s = s;
	j->census = (struct heal_census)HEAL_CENSUS_INIT;
	return j;
}

static void
job_name(struct repair_job *j, const char *bucket, const char *key)
{
	memcpy(j->item.bucket, bucket, strlen(bucket) + 1);
	memcpy(j->item.key, key, strlen(key) + 1);
}

enum err
repair_submit_census(struct repair_work *w, struct set *s,
    const struct record *first, struct heal_census *c)
{
	struct repair_job *j = job_new(w, s);

	if (j == NULL)
		return EC_ENOMEM;
	job_name(j, first->bucket, first->key);
	j->census = *c;
	*c = (struct heal_census)HEAL_CENSUS_INIT;
	job_submit(j);
	return repair_work_step(w);
}

enum err
repair_submit(struct repair_work *w, struct set *s, const char *bucket,
    const char *key, const struct heal_item *item)
{
	struct repair_job *j = job_new(w, s);

	if (j == NULL)
		return EC_ENOMEM;
	if (item != NULL) {
		j->queued = true;
		j->item = *item;
	} else {
		job_name(j, bucket, key);
	}
	job_submit(j);
	while (w->again_count > AGAIN_MAX)
		submit_again(w);
	return repair_work_step(w);
}
