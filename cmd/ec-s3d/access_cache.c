#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "access_cache.h"
#include "base/log.h"

enum { PLACES = 256 };

struct access_kept {
	atomic_uint users;
	char bucket[RECORD_BUCKET_MAX + 1];
	struct stamp stamp;
	struct access_bucket of;
};

struct access_cache {
	pthread_mutex_t mutex;		/* of places */
	struct access_kept *place[PLACES];
};

enum err
access_cache_new(struct access_cache **out)
{
	struct access_cache *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return EC_ENOMEM;
	if ((r = pthread_mutex_init(&c->mutex, NULL)) != 0) {
		free(c);
		return err_from_errno(r);
	}
	*out = c;
	return EC_OK;
}

void
access_cache_free(struct access_cache *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < PLACES; i++)
		access_kept_put(c->place[i]);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

void
access_kept_put(struct access_kept *k)
{
	if (k == NULL || atomic_fetch_sub(&k->users, 1) > 1)
		return;
	access_bucket_release(&k->of);
	free(k);
}

const struct access_bucket *
access_kept_of(const struct access_kept *k)
{
	return &k->of;
}

static struct access_kept *
kept_new(const struct bucket *b, const char *root_id)
{
	struct access_kept *k = malloc(sizeof(*k));

	if (k == NULL)
		return NULL;
	atomic_init(&k->users, 2);	/* the place and who asked */
	strcpy(k->bucket, b->name);
	k->stamp = b->stamp;
	access_bucket_load(&k->of, b, root_id);
	if (k->of.damaged)
		log_error("the settings of bucket %s cannot be read", b->name);
	return k;
}

enum err
access_cache_get(struct access_cache *c, const struct bucket *b,
    const char *root_id, struct access_kept **kept)
{
	struct access_kept **place = &c->place[record_name_crc(b->name, "") %
	    PLACES], *k, *old;

	pthread_mutex_lock(&c->mutex);
	k = *place;
	if (k != NULL && stamp_cmp(&k->stamp, &b->stamp) == 0 &&
	    strcmp(k->bucket, b->name) == 0)
		atomic_fetch_add(&k->users, 1);
	else
		k = NULL;
	pthread_mutex_unlock(&c->mutex);
	if (k == NULL) {
		if ((k = kept_new(b, root_id)) == NULL)
			return EC_ENOMEM;
		pthread_mutex_lock(&c->mutex);
		old = *place;
		*place = k;
		pthread_mutex_unlock(&c->mutex);
		access_kept_put(old);
	}
	*kept = k;
	return EC_OK;
}
