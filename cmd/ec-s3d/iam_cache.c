#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "iam_cache.h"
#include "iam_doc.h"

struct iam_cache {
	struct store *store;
	const struct iam_root *root;
	char state[IAM_STATE_BYTES];	/* of the thread, of what is known */
	bool loaded;			/* of the thread */
	pthread_t thread;
	pthread_mutex_t lock;		/* guards what is below */
	pthread_cond_t wake;		/* on CLOCK_MONOTONIC */
	struct iam *iam;
	bool stop;
};

/* Take in what the store has, if it changed. */
static void
refresh(struct iam_cache *c)
{
	struct buf text = BUF_INIT(IAM_DOCUMENT_MAX + 1);
	struct iam *iam = NULL, *old;
	char state[IAM_STATE_BYTES];
	enum err e;

	if ((e = iam_doc_state(c->store, state)) != EC_OK)
		return;
	if (c->loaded && strcmp(state, c->state) == 0)
		return;
	if ((e = iam_doc_read(c->store, &text, state)) != EC_OK ||
	    (e = iam_new(&iam, buf_str(&text), text.len, c->root)) != EC_OK) {
		log_warn("users and policies: %s; what was known stays",
		    err_text(e));
		goto out;
	}
	memcpy(c->state, state, sizeof(state));
	c->loaded = true;
	pthread_mutex_lock(&c->lock);
	old = c->iam;
	c->iam = iam;
	pthread_mutex_unlock(&c->lock);
	iam_unref(old);
out:
	if (text.data != NULL)
		explicit_bzero(text.data, text.cap);
	buf_release(&text);
}

static bool
next_round(struct iam_cache *c)
{
	struct timespec at;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += IAM_CACHE_PERIOD_MS * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&c->lock);
	while (!c->stop && pthread_cond_timedwait(&c->wake, &c->lock, &at) ==
	    0)
		;
	stop = c->stop;
	pthread_mutex_unlock(&c->lock);
	return !stop;
}

static void *
run(void *ctx)
{
	struct iam_cache *c = ctx;

	while (next_round(c))
		refresh(c);
	return NULL;
}

enum err
iam_cache_new(struct iam_cache **out, struct store *st,
    const struct iam_root *root)
{
	struct iam_cache *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	enum err e;
	int r;

	if (c == NULL)
		return EC_ENOMEM;
	c->store = st;
	c->root = root;
	if ((e = iam_new(&c->iam, "", 0, root)) != EC_OK) {
		free(c);
		return e;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_condattr_destroy(&attr);
	refresh(c);
	if ((r = pthread_create(&c->thread, NULL, run, c)) != 0) {
		iam_unref(c->iam);
		free(c);
		return err_from_errno(r);
	}
	*out = c;
	return EC_OK;
}

void
iam_cache_free(struct iam_cache *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	iam_unref(c->iam);
	free(c);
}

struct iam *
iam_cache_get(struct iam_cache *c)
{
	struct iam *iam;

	pthread_mutex_lock(&c->lock);
	iam = iam_ref(c->iam);
	pthread_mutex_unlock(&c->lock);
	return iam;
}
