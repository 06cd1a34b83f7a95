#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "background.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/os_linux.h"
#include "store/repair.h"
#include "store/watch.h"

enum { MAINTAIN_MS = 200, MAINTAIN_EVERY = 10, TRIM_EVERY = 30, PAGE = 1000 };

struct background {
	struct store *store;
	struct repair *repair;
	struct hooks *hooks;
	struct watch *watch;	/* NULL without hooks */
	pthread_t healer, keeper;
	pthread_mutex_t lock;	/* guards stop */
	pthread_cond_t wake;	/* on CLOCK_MONOTONIC */
	bool stop;
};

/* Wait for the next round; false: there is none. */
static bool
next_round(struct background *b)
{
	struct timespec at;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += BACKGROUND_PERIOD_MS / 1000;
	pthread_mutex_lock(&b->lock);
	while (!b->stop && pthread_cond_timedwait(&b->wake, &b->lock, &at) ==
	    0)
		;
	stop = b->stop;
	pthread_mutex_unlock(&b->lock);
	return !stop;
}

static bool
repair_progress(void *ctx, uint64_t looked, uint64_t bytes)
{
	struct background *b = ctx;
	bool stop;

	(void)looked;
	(void)bytes;
	watch_look(b->watch);
	pthread_mutex_lock(&b->lock);
	stop = b->stop;
	pthread_mutex_unlock(&b->lock);
	return stop;
}

static void
repair(struct background *b)
{
	const struct repair_params params = { .attended = true,
		.progress = repair_progress, .ctx = b };
	struct repair_result r = { .healed = 0 };

	repair_run(b->repair, &params, &r);
	if (r.healed > 0 || r.lost > 0)
		log_info("healed %" PRIu64 " of %" PRIu64 " versions, %" PRIu64
		    " left, %" PRIu64 " lost", r.healed, r.looked, r.left,
		    r.lost);
	if (r.healed > 0 || r.lost > 0)
		watch_heal(b->hooks, r.healed, r.left, r.lost);
}

static void
end_old(struct store *store, const char *bucket, const struct upload *u)
{
	uint64_t age_us = clock_real_us() - u->started_us;

	if (u->started_us > clock_real_us() ||
	    age_us / 1000000 < BACKGROUND_UPLOAD_DAYS * 24 * 3600)
		return;
	log_info("%s/%s: upload abandoned %d days ago is aborted", bucket,
	    u->key, BACKGROUND_UPLOAD_DAYS);
	store_upload_abort(store, bucket, u->key, &u->id);
}

static void
end_old_uploads(struct store *store, const char *bucket)
{
	struct upload *page = NULL, last = UPLOAD_INIT;
	unsigned n, i;
	bool more = true;

	while (more && store_upload_list(store, bucket, "", last.key,
	    &last.id, PAGE, &page, &n, &more) == EC_OK) {
		for (i = 0; i < n; i++) {
			end_old(store, bucket, &page[i]);
			last = page[i];
			upload_release(&page[i]);
		}
		free(page);
		page = NULL;
	}
}

static void
end_uploads(struct store *store)
{
	struct bucket *page = NULL;
	char last[RECORD_BUCKET_MAX + 1] = "";
	unsigned n = PAGE, i;

	while (n == PAGE && store_bucket_list(store, last[0] != '\0' ? last :
	    NULL, PAGE, &page, &n) == EC_OK) {
		for (i = 0; i < n; i++) {
			end_old_uploads(store, page[i].name);
			memcpy(last, page[i].name, sizeof(last));
			bucket_release(&page[i]);
		}
		free(page);
		page = NULL;
	}
}

/* A heal may take hours. */
static void *
healer_run(void *ctx)
{
	struct background *b = ctx;

	while (next_round(b)) {
		watch_look(b->watch);
		repair(b);
	}
	return NULL;
}

/* What does not wait for one. */
static void *
keeper_run(void *ctx)
{
	struct background *b = ctx;
	uint64_t uploads_us = clock_mono_us(), now, round = 0;
	unsigned fresh;

	while (next_round(b)) {
		store_check_drives(b->store, true, &fresh);
		if (++round % MAINTAIN_EVERY == 0)
			store_maintain(b->store, MAINTAIN_MS);
		if (round % TRIM_EVERY == 0)
			os_trim_heaps();
		now = clock_mono_us();
		if (now - uploads_us < BACKGROUND_UPLOADS_PERIOD_S *
		    UINT64_C(1000000))
			continue;
		uploads_us = now;
		end_uploads(b->store);
	}
	return NULL;
}

static void
background_free(struct background *b)
{
	watch_free(b->watch);
	hooks_free(b->hooks);
	repair_free(b->repair);
	free(b);
}

static void
end(struct background *b)
{
	pthread_mutex_lock(&b->lock);
	b->stop = true;
	pthread_cond_broadcast(&b->wake);
	pthread_mutex_unlock(&b->lock);
}

enum err
background_start(struct background **out, struct store *store,
    const char *hooks)
{
	struct background *b = calloc(1, sizeof(*b));
	pthread_condattr_t attr;
	enum err e;
	int r;

	if (b == NULL)
		return EC_ENOMEM;
	if ((e = repair_new(&b->repair, store)) != EC_OK ||
	    (hooks != NULL && ((e = hooks_new(&b->hooks, hooks)) != EC_OK ||
	    (e = watch_new(&b->watch, store, b->hooks)) != EC_OK))) {
		background_free(b);
		return e;
	}
	b->store = store;
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->wake, &attr);
	pthread_condattr_destroy(&attr);
	if ((r = pthread_create(&b->healer, NULL, healer_run, b)) != 0) {
		background_free(b);
		return err_from_errno(r);
	}
	if ((r = pthread_create(&b->keeper, NULL, keeper_run, b)) != 0) {
		end(b);
		pthread_join(b->healer, NULL);
		background_free(b);
		return err_from_errno(r);
	}
	*out = b;
	return EC_OK;
}

void
background_stop(struct background *b)
{
	if (b == NULL)
		return;
	end(b);
	pthread_join(b->keeper, NULL);
	pthread_join(b->healer, NULL);
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->lock);
	background_free(b);
}
