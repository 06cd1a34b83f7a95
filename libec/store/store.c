#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "codec/bitrot.h"
#include "net/http_client.h"
#include "set/filling.h"
#include "set/placement.h"
#include "store/config.h"
#include "store/store_impl.h"

enum { MEMORY_DEFAULT = 256 << 20 };

static enum err
parse_volumes(struct store *st, const struct store_params *p)
{
	const char *words[1];
	char *text = NULL;
	enum err e;

	if (p->volume_count > 0)
		return endpoints_parse(&st->endpoints, p->volumes,
		    p->volume_count);
	if ((e = config_get("EC_VOLUMES", &text)) != EC_OK)
		return e;
	if (text == NULL) {
		log_error("no drives named: give them as operands, in "
		    "EC_VOLUMES or in %s", config_path());
		return EC_EINVAL;
	}
	words[0] = text;
	e = endpoints_parse(&st->endpoints, words, 1);
	free(text);
	return e;
}

/* Open the drive of a slot if it is there, and its lane. */
static enum err
open_slot(struct store *st, struct store_slot *s,
    const struct bootstrap_slot *b)
{
	struct drive *d = NULL;
	enum err e;

	s->format = b->format;
	if ((s->path = strdup(b->path)) == NULL)
		return EC_ENOMEM;
	if (b->state == EC_OK) {
		e = store_slot_open(st, s, STORE_OWNED_MS, &d);
		if (e == EC_EOWNED || e == EC_ENOMEM)
			return e;
	}
	if ((e = lane_new(&s->lane, d, s->path)) != EC_OK) {
		drive_close(d);
		return e;
	}
	return d != NULL ? store_share_offer(st, s) : EC_OK;
}

/* Open what can be opened of set ${n} and make the set. */
static enum err
open_set(struct store *st, const struct bootstrap *b, unsigned n, int parity)
{
	struct lane *lane[FORMAT_SET_MAX] = { NULL };
	struct store_slot *slot = &st->slot[n * st->set_size];
	enum err e = EC_OK;

	for (unsigned i = 0; i < st->set_size && e == EC_OK; i++) {
		e = open_slot(st, &slot[i], &b->slot[n * st->set_size + i]);
		lane[i] = slot[i].lane;
	}
	if (e == EC_OK)
		e = set_new(&st->set[n], lane, st->set_size, parity, st->pool);
	if (e == EC_OK)
		filling_look(st->set[n], NULL);
	for (unsigned i = 0; i < st->set_size && e != EC_OK; i++) {
		store_share_withdraw(st, &slot[i]);
		lane_free(lane[i]);
	}
	if (e == EC_OK)
		st->sets++;
	return e;
}

static enum err
open_sets(struct store *st, const struct bootstrap *b, int parity)
{
	unsigned readable = 0;
	enum err e = EC_OK;

	for (unsigned i = 0; i < b->sets; i++) {
		if ((e = open_set(st, b, i, parity)) != EC_OK)
			return e;
		readable += store_set_spare(st, i, NULL) >= 0;
	}
	if (readable == 0) {
		log_error("too few drives: no set can be read");
		return EC_EQUORUM;
	}
	return EC_OK;
}

enum err
store_open(struct store **out, const struct store_params *p)
{
	struct store *st = NULL;
	struct bootstrap b = BOOTSTRAP_INIT;
	enum err e;

	if (!bitrot_self_test()) {
		log_error("the bitrot hash computes wrong sums on this CPU");
		return EC_EFAILED;
	}
	if ((st = calloc(1, sizeof(*st))) == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&st->drives_lock, NULL);
	pthread_mutex_init(&st->seen_lock, NULL);
	st->may_share = p->may_share;
	st->linger = p->linger;
	if ((e = parse_volumes(st, p)) != EC_OK ||
	    (e = bootstrap_map(&b, &st->endpoints, p->create)) != EC_OK ||
	    (e = store_locks_start(st)) != EC_OK ||
	    (e = mem_pool_new(&st->pool, STRIPE_UNIT_DEFAULT * FORMAT_SET_MAX,
	    p->memory_bytes ? p->memory_bytes : MEMORY_DEFAULT)) != EC_OK ||
	    (p->serve && (e = store_share_start(st)) != EC_OK))
		goto out;
	st->deployment = b.deployment;
	st->set_size = b.set_size;
	st->set = mem_array(b.sets, sizeof(struct set *));
	st->slot = mem_array((size_t)b.sets * b.set_size, sizeof(*st->slot));
	if (st->set == NULL || st->slot == NULL)
		e = EC_ENOMEM;
	else
		e = open_sets(st, &b, p->parity);
	if (e != EC_OK)
		goto out;
	*out = st;
	st = NULL;
out:
	if (e == EC_ENOMEM)
		log_error("%s", err_text(e));
	bootstrap_release(&b);
	store_close(st);
	return e;
}

/* Let go of other processes' drives, so that two that use each other's do not
 * wait for each other for ever. */
static void
leave_peers(struct store *st)
{
	store_locks_stop(st);
	for (unsigned i = 0; i < st->sets * st->set_size; i++)
		if (!st->slot[i].local)
			lane_detach(st->slot[i].lane);
	for (unsigned i = 0; i < st->peers; i++)
		http_client_retire(st->peer[i].client);
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	leave_peers(st);
	store_share_stop(st);
	for (unsigned i = 0; i < st->sets; i++)
		set_free(st->set[i]);
	for (unsigned i = 0; st->slot != NULL && i < st->endpoints.count; i++)
		free(st->slot[i].path);
	for (unsigned i = 0; i < st->peers; i++) {
		http_client_free(st->peer[i].client);
		free(st->peer[i].address);
	}
	free(st->set);
	free(st->slot);
	lock_service_free(st->locks);
	if (st->pool != NULL)
		mem_pool_free(st->pool);
	endpoints_release(&st->endpoints);
	pthread_mutex_destroy(&st->drives_lock);
	pthread_mutex_destroy(&st->seen_lock);
	store_buckets_release(st);
	free(st);
}

const char *
store_complaint(void)
{
	return set_complaint();
}

unsigned
store_sets(const struct store *st)
{
	return st->sets;
}

struct set *
store_set(struct store *st, unsigned i)
{
	return st->set[i];
}

struct set *
store_set_of(struct store *st, const char *bucket, const char *key)
{
	return st->set[placement_set(&st->deployment, bucket, key, st->sets)];
}

const struct uuid *
store_deployment(const struct store *st)
{
	return &st->deployment;
}
