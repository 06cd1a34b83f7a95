#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "codec/bitrot.h"
#include "set/filling.h"
#include "store/store_impl.h"

enum { MEMORY_DEFAULT = 144 << 20, VIEWS_BYTES = 512 << 20 };

/* Open the drive of a slot if it is there, and its lane. */
static enum err
open_slot(struct store *st, struct store_slot *s,
    const struct bootstrap_slot *b)
{
	struct drive *d = NULL;
	enum err e;

	s->endpoint = b->endpoint;
	s->format = b->format;
	if (b->state == EC_OK) {
		e = store_slot_open(st, s, STORE_OWNED_MS, &d);
		if (e == EC_EOWNED || e == EC_ENOMEM)
			return e;
	}
	if ((e = lane_new(&s->lane, d, store_slot_name(st, s))) != EC_OK) {
		drive_close(d);
		return e;
	}
	return d != NULL ? store_share_offer(st, s) : EC_OK;
}

/* Open what can be opened of the next set, of ${n} drives, and make the set. */
static enum err
open_set(struct store *st, const struct bootstrap_slot *b, unsigned n,
    int parity)
{
	struct lane *lane[FORMAT_SET_MAX] = { NULL };
	struct store_slot *slot = &st->slot[st->slots];
	enum err e = EC_OK;

	for (unsigned i = 0; i < n && e == EC_OK; i++) {
		slot[i].set = st->sets;
		e = open_slot(st, &slot[i], &b[i]);
		lane[i] = slot[i].lane;
	}
	if (e == EC_OK)
		e = set_new(&st->set[st->sets], lane, n, parity, st->pool,
		    st->views);
	if (e == EC_OK)
		filling_look(st->set[st->sets], NULL);
	for (unsigned i = 0; i < n && e != EC_OK; i++) {
		store_share_withdraw(st, &slot[i]);
		lane_free(lane[i]);
	}
	if (e == EC_OK) {
		st->sets++;
		st->slots += n;
	}
	return e;
}

/* Objects of more parity than the default's can be read with half the drives,
 * as can buckets. */
static bool
is_readable(struct store *st, unsigned i)
{
	struct set *s = st->set[i];
	unsigned online = 0;

	for (unsigned j = 0; j < set_drives(s); j++)
		online += lane_state(set_lane(s, j)) == LANE_ONLINE;
	return 2 * online >= set_drives(s) ||
	    store_set_spare(st, i, NULL) >= 0;
}

static enum err
open_sets(struct store *st, const struct bootstrap *b, int parity)
{
	const struct endpoints *es = cluster_endpoints(st->cluster);
	unsigned readable = 0, n;
	enum err e = EC_OK;

	st->pool_count = es->pools;
	for (unsigned i = 0; i < es->pools; i++) {
		st->pools[i] = b->pool[i];
		st->pool_number[i] = b->number[i];
		n = b->pool[i].set_size;
		for (unsigned k = 0; k < b->pool[i].count; k += n)
			if ((e = open_set(st, &b->slot[st->slots], n,
			    parity)) != EC_OK)
				return e;
	}
	for (unsigned i = 0; i < st->sets; i++)
		readable += is_readable(st, i);
	if (readable > 0 || cluster_self(st->cluster) != NULL)
		return EC_OK;
	log_error("too few drives: no set can be read");
	return EC_EQUORUM;
}

/* The cluster that ${p} has, or one of this store's own. */
static enum err
take_cluster(struct store *st, const struct store_params *p)
{
	const struct cluster_params cp = { .volumes = p->volumes,
		.volume_count = p->volume_count };
	enum err e = EC_OK;

	st->cluster = p->cluster;
	if (p->cluster == NULL && (e = cluster_new(&st->cluster, &cp)) ==
	    EC_OK)
		st->cluster_ours = true;
	return e;
}

enum err
store_open(struct store **out, const struct store_params *p)
{
	struct store *st = NULL;
	struct bootstrap_params bp = { .create = p->create, .stop = p->stop,
		.ctx = p->ctx };
	struct bootstrap b = BOOTSTRAP_INIT;
	unsigned slots;
	enum err e;

	if (!bitrot_self_test()) {
		log_error("the bitrot hash computes wrong sums on this CPU");
		return EC_EFAILED;
	}
	if ((st = calloc(1, sizeof(*st))) == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	pthread_mutex_init(&st->drives_lock, NULL);
	pthread_mutex_init(&st->seen_lock, NULL);
	st->may_share = p->may_share;
	st->linger = p->linger;
	if ((e = take_cluster(st, p)) != EC_OK)
		goto out;
	bp.wait = cluster_self(st->cluster) != NULL;
	if ((e = bootstrap_map(&b, st->cluster, &bp)) != EC_OK ||
	    (e = store_locks_start(st)) != EC_OK ||
	    (e = mem_pool_new(&st->pool, STRIPE_UNIT_DEFAULT * FORMAT_SET_MAX,
	    p->memory_bytes ? p->memory_bytes : MEMORY_DEFAULT)) != EC_OK ||
	    (e = mem_pool_new(&st->views, STRIPE_UNIT_DEFAULT * FORMAT_SET_MAX,
	    VIEWS_BYTES)) != EC_OK ||
	    (p->serve && (e = store_share_start(st)) != EC_OK))
		goto out;
	st->deployment = b.deployment;
	slots = cluster_endpoints(st->cluster)->count;
	st->set = mem_array(slots, sizeof(struct set *));
	st->slot = mem_array(slots, sizeof(*st->slot));
	if (st->set == NULL || st->slot == NULL)
		e = EC_ENOMEM;
	else
		e = open_sets(st, &b, p->parity);
	if (e == EC_OK && cluster_self(st->cluster) == NULL)
		e = store_pools_check(st);
	if (e == EC_OK && p->create && cluster_self(st->cluster) == NULL)
		store_pools_note(st);
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
	for (unsigned i = 0; i < st->slots; i++)
		if (!st->slot[i].local)
			lane_detach(st->slot[i].lane);
	for (unsigned i = 0; i < st->peers; i++)
		peer_retire(st->peer[i].peer);
	if (st->cluster != NULL)
		cluster_retire(st->cluster);
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	leave_peers(st);
	store_share_stop(st);
	for (unsigned i = 0; i < st->slots; i++)
		store_share_withdraw(st, &st->slot[i]);
	for (unsigned i = 0; i < st->sets; i++)
		set_free(st->set[i]);
	for (unsigned i = 0; i < st->peers; i++) {
		peer_free(st->peer[i].peer);
		free(st->peer[i].address);
	}
	free(st->set);
	free(st->slot);
	store_locks_free(st);
	mem_pool_free(st->pool);
	mem_pool_free(st->views);
	if (st->cluster_ours)
		cluster_free(st->cluster);
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

struct store_slot *
store_set_slots(struct store *st, unsigned set, unsigned *n)
{
	unsigned at = 0;

	while (st->slot[at].set != set)
		at++;
	for (*n = 0; at + *n < st->slots && st->slot[at + *n].set == set; ++*n)
		;
	return &st->slot[at];
}

const struct uuid *
store_deployment(const struct store *st)
{
	return &st->deployment;
}
