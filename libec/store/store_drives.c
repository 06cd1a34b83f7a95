#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os_linux.h"
#include "base/mem.h"
#include "drive/local.h"
#include "set/heal_queue.h"
#include "set/quorum.h"
#include "store/store_impl.h"

enum { OWNED_RETRY_MS = 50, MAINTAIN_GRACE_S = 3600 };

static void
sleep_ms(unsigned ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

const char *
store_slot_name(const struct store *st, const struct store_slot *s)
{
	return cluster_endpoints(st->cluster)->at[s->endpoint].name;
}

const char *
store_slot_path(const struct store *st, const struct store_slot *s)
{
	return cluster_endpoints(st->cluster)->at[s->endpoint].path;
}

bool
store_slot_here(const struct store *st, const struct store_slot *s)
{
	return cluster_local(st->cluster, s->endpoint);
}

/* One try; EC_EOWNED when another process has it and serves it to nobody. */
static enum err
slot_open_once(struct store *st, struct store_slot *s, struct drive **out)
{
	char *owner = NULL;
	enum err e;

	s->local = false;
	if (!store_slot_here(st, s))
		return store_share_remote(st, s, NULL, out);
	e = local_open(out, store_slot_path(st, s), store_share_address(st),
	    &owner);
	s->local = e == EC_OK;
	if (e == EC_EOWNED && st->may_share && owner != NULL &&
	    owner[0] != '\0' && strcmp(owner, store_share_address(st)) != 0)
		e = store_share_remote(st, s, owner, out);
	free(owner);
	return e;
}

enum err
store_slot_open(struct store *st, struct store_slot *s, unsigned wait_ms,
    struct drive **out)
{
	uint64_t until = clock_mono_us() + (uint64_t)wait_ms * 1000;
	enum err e;

	for (;;) {
		s->owner_alive = false;
		pthread_mutex_lock(&st->drives_lock);
		e = slot_open_once(st, s, out);
		pthread_mutex_unlock(&st->drives_lock);
		if (e != EC_EOWNED || clock_mono_us() >= until)
			break;
		sleep_ms(OWNED_RETRY_MS);
	}
	if (e == EC_EOWNED && s->owner_alive) {
		log_warn("%s: set aside by the process that has it open",
		    store_slot_name(st, s));
		return EC_EOFFLINE;
	}
	if (e == EC_EOWNED)
		log_error("%s: another process has this drive open and does "
		    "not share it", store_slot_name(st, s));
	return e;
}

/* Give every reachable drive of the slot's set the set's new record. */
static void
spread_format(struct store *st, const struct store_slot *fresh,
    const struct node_drive *found)
{
	unsigned n;
	struct store_slot *s = store_set_slots(st, fresh->set, &n);

	for (; n > 0; n--, s++) {
		const struct node_drive *at = &found[s->endpoint];
		struct format f = fresh->format;

		if (s == fresh || at->state != EC_OK)
			continue;
		f.slot = s->format.slot;
		f.drive = s->format.drive;
		f.filling = at->format.filling;
		if (!uuid_equal(&at->format.drive, &f.drive))
			continue;
		if (cluster_format(st->cluster, s->endpoint, &f) == EC_OK)
			s->format = f;
		else
			log_warn("%s: format record not updated",
			    store_slot_name(st, s));
	}
}

/* Slots are this process's to fill when the rest of their set is, or, of a
 * node, when the set is what it seems to be. */
static bool
set_is_ours(struct store *st, unsigned set)
{
	unsigned n;
	struct store_slot *s = store_set_slots(st, set, &n);

	if (cluster_self(st->cluster) != NULL)
		return store_set_spare(st, set, NULL) >= 0;
	for (; n > 0; n--, s++)
		if (s->local)
			return true;
	return false;
}

static bool
set_is_theirs(struct store *st, unsigned set)
{
	unsigned n;
	struct store_slot *s = store_set_slots(st, set, &n);

	for (; n > 0; n--, s++)
		if (!s->local && store_slot_here(st, s) &&
		    lane_state(s->lane) == LANE_ONLINE)
			return true;
	return false;
}

/* An empty directory that is no mount point while drives beside it are: its
 * mount was forgotten, and to fill it would fill the file system below. */
static bool
mount_forgotten(struct store *st, struct store_slot *s)
{
	const struct store_slot *o;
	bool beside = false;
	unsigned n;

	if (os_is_mount(store_slot_path(st, s))) {
		s->unmounted = false;
		return false;
	}
	for (o = store_set_slots(st, s->set, &n); n > 0; n--, o++)
		beside = beside || (o != s && o->local &&
		    os_is_mount(store_slot_path(st, o)));
	if (beside && !s->unmounted)
		log_error("%s: empty and no file system of its own, as drives "
		    "beside it are: not taken for a new drive",
		    store_slot_name(st, s));
	return s->unmounted = beside;
}

/* Make an empty directory the drive of its slot, under a new id.  The newest
 * record of the set says who its other drives are. */
static enum err
refill_slot(struct store *st, struct store_slot *s,
    const struct node_drive *found)
{
	const struct stamp all = { 0, 0 };
	struct format f = s->format;
	struct store_slot *o;
	unsigned n;
	enum err e;

	/* Noted before the drive is one: with its first write it would no
	 * longer be known by its emptiness. */
	heal_queue_mark(st->set[s->set], "", "", &all);
	for (o = store_set_slots(st, s->set, &n); n > 0; n--, o++)
		if (o->format.generation > f.generation) {
			f = o->format;
			f.slot = s->format.slot;
		}
	f.generation++;
	f.drive = uuid_new();
	f.drives[f.slot] = f.drive;
	f.filling = true;
	f.born_us[f.slot] = clock_real_us();
	if ((e = cluster_format(st->cluster, s->endpoint, &f)) != EC_OK)
		return e;
	s->format = f;
	spread_format(st, s, found);
	log_warn("%s: new drive formatted for set %u slot %u",
	    store_slot_name(st, s), s->set, f.slot);
	return EC_OK;
}

/* The drive went away under us: its directory is gone, empty or another's. */
static void
check_present(struct store *st, struct store_slot *s,
    const struct node_drive *d)
{
	if (d->state == EC_OK && uuid_equal(&d->format.drive,
	    &s->format.drive))
		return;
	if (d->state != EC_OK && d->state != EC_EOFFLINE &&
	    d->state != EC_ENOTFOUND)
		return;
	/* Of a node that is silent nothing is known. */
	if (d->state == EC_EOFFLINE && !store_slot_here(st, s))
		return;
	log_error("%s: the drive is gone (%s)", store_slot_name(st, s),
	    d->state == EC_OK ? "another stands there" : err_text(d->state));
	store_share_withdraw(st, s);
	lane_detach(s->lane);
}

/* Another process gave the slot a new drive: its record is the newer one. */
static bool
adopt(struct store_slot *s, const struct format *f)
{
	if (uuid_equal(&f->drive, &s->format.drive))
		return true;
	if (!uuid_equal(&f->deployment, &s->format.deployment) ||
	    (f->pool != s->format.pool && s->format.generation > 0) ||
	    f->set != s->format.set ||
	    f->slot != s->format.slot ||
	    f->generation < s->format.generation)
		return false;
	s->format = *f;
	return true;
}

static unsigned
slot_pool(const struct store *st, const struct store_slot *s)
{
	unsigned p = 0;

	while (s->endpoint >= st->pools[p].first + st->pools[p].count)
		p++;
	return p;
}

/* The slot's drive may stand at another endpoint of its pool than expected. */
static const struct node_drive *
locate(struct store *st, struct store_slot *s, const struct node_drive *found)
{
	const struct endpoint_pool *p = &st->pools[slot_pool(st, s)];

	for (unsigned i = p->first; i < p->first + p->count; i++)
		if (found[i].state == EC_OK && uuid_equal(
		    &found[i].format.drive, &s->format.drive)) {
			s->endpoint = i;
			break;
		}
	return &found[s->endpoint];
}

/* Bring a slot without a drive back if its directory allows it. */
static void
check_absent(struct store *st, struct store_slot *s, bool refill,
    const struct node_drive *found, unsigned *fresh)
{
	const struct node_drive *at = locate(st, s, found);
	struct drive *d = NULL;

	refill = refill && store_slot_here(st, s) && set_is_ours(st, s->set);
	if (at->state == EC_ENOTFOUND && refill && !mount_forgotten(st, s) &&
	    refill_slot(st, s, found) == EC_OK)
		++*fresh;
	else if (at->state != EC_OK || !adopt(s, &at->format))
		return;
	if (slot_open_once(st, s, &d) != EC_OK)
		return;
	lane_set_filling(s->lane, at->state != EC_OK || at->format.filling);
	/* A drive of a set that another process serves is for that to open. */
	if ((s->local && set_is_theirs(st, s->set)) ||
	    lane_attach(s->lane, d) != EC_OK) {
		s->local = false;
		drive_close(d);
		return;
	}
	if (store_share_offer(st, s) != EC_OK)
		log_warn("%s: not offered to other processes",
		    store_slot_name(st, s));
	log_warn("%s: online", store_slot_name(st, s));
}

/* Other nodes are asked only when drives of theirs are not there. */
static bool
some_away(const struct store *st)
{
	for (unsigned i = 0; i < st->slots; i++)
		if (lane_state(st->slot[i].lane) != LANE_ONLINE &&
		    !store_slot_here(st, &st->slot[i]))
			return true;
	return false;
}

static void
look(struct store *st, bool refill, struct node_drive *found)
{
	const struct endpoints *es = cluster_endpoints(st->cluster);

	if (!some_away(st)) {
		cluster_look_here(st->cluster, found);
	} else {
		cluster_look(st->cluster, found, NULL);
		for (unsigned i = 0; i < es->pools && refill; i++)
			bootstrap_add_pool(st->cluster, i, &st->deployment,
			    found);
	}
	if (cluster_self(st->cluster) != NULL)
		bootstrap_finish(st->cluster, &st->deployment, found);
}

enum err
store_check_drives(struct store *st, bool refill, unsigned *fresh)
{
	struct node_drive *found = mem_array(st->slots, sizeof(*found));

	*fresh = 0;
	if (found == NULL)
		return EC_ENOMEM;
	pthread_mutex_lock(&st->drives_lock);
	look(st, refill, found);
	for (unsigned i = 0; i < st->slots; i++) {
		struct store_slot *s = &st->slot[i];

		if (lane_state(s->lane) != LANE_ABSENT)
			check_present(st, s, &found[s->endpoint]);
		if (lane_state(s->lane) == LANE_ABSENT)
			check_absent(st, s, refill, found, fresh);
		if (s->format.generation > 0)	/* it may have been a guess */
			st->pool_number[slot_pool(st, s)] = s->format.pool;
	}
	pthread_mutex_unlock(&st->drives_lock);
	free(found);
	store_pools_note(st);
	return EC_OK;
}

bool
store_drives_pending(struct store *st)
{
	struct format f;
	bool pending = false;
	enum err e;

	pthread_mutex_lock(&st->drives_lock);
	for (unsigned i = 0; i < st->slots && !pending; i++) {
		struct store_slot *s = &st->slot[i];

		if (lane_state(s->lane) != LANE_ABSENT ||
		    !store_slot_here(st, s) || !set_is_theirs(st, s->set))
			continue;
		e = local_peek(&f, store_slot_path(st, s));
		pending = e == EC_ENOTFOUND || (e == EC_OK &&
		    uuid_equal(&f.deployment, &st->deployment));
	}
	pthread_mutex_unlock(&st->drives_lock);
	return pending;
}

void
store_maintain(struct store *st, unsigned budget_ms)
{
	for (unsigned i = 0; i < st->sets; i++)
		set_maintain(st->set[i], budget_ms, MAINTAIN_GRACE_S);
}

unsigned
store_drive_count(const struct store *st)
{
	return st->slots;
}

struct ask {
	struct drive_space space;
	struct drive_stats stats;
};

static enum err
ask_run(struct drive *d, void *arg)
{
	struct ask *a = arg;
	enum err e = d->ops->space(d, &a->space);

	return e == EC_OK ? d->ops->stats(d, &a->stats) : e;
}

void
store_drive_status(struct store *st, unsigned i,
    struct store_drive_status *out)
{
	enum { ASK_MS = 1000 };
	struct store_slot *s = &st->slot[i];
	struct lane_call *c = NULL;
	struct gather *g = NULL;
	struct ask *a = calloc(1, sizeof(*a));
	enum err e;

	memset(out, 0, sizeof(*out));
	out->path = store_slot_name(st, s);
	out->set = s->set;
	out->slot = s->format.slot;
	out->state = lane_state(s->lane);
	out->local = s->local;
	out->why = lane_why(s->lane, &out->since_us);
	lane_counters(s->lane, &out->errors, &out->corrupt);
	if (a == NULL || gather_new(&g) != EC_OK) {
		free(a);
		return;
	}
	if (lane_start(s->lane, g, ask_run, free, a, &c) == EC_OK) {
		gather_wait(g, 1, clock_mono_us() + ASK_MS * 1000);
		if (lane_call_done(c, &e) && e == EC_OK) {
			a = lane_call_arg(c);
			out->space = a->space;
			out->stats = a->stats;
			out->corrupt += a->stats.journal_damaged;
		}
		lane_call_put(c);
	}
	gather_free(g);
}

bool
store_set_without_us(struct store *st, unsigned i)
{
	unsigned n, mine = 0;
	struct store_slot *s = store_set_slots(st, i, &n);
	int spare;

	for (; n > 0; n--, s++)
		mine += s->local && lane_state(s->lane) == LANE_ONLINE;
	store_set_spare(st, i, &spare);
	return spare >= (int)mine;
}

unsigned
store_set_write_quorum(struct store *st, unsigned i)
{
	unsigned n = set_drives(st->set[i]), m;

	m = quorum_parity(n, set_parity(st->set[i]), set_offline(st->set[i]));
	return quorum_write(n - m, m);
}

int
store_set_spare(struct store *st, unsigned i, int *write_spare)
{
	struct set *s = st->set[i];
	unsigned n = set_drives(s), m = set_parity(s);
	unsigned online = 0, out;

	for (unsigned j = 0; j < n; j++)
		online += lane_state(set_lane(s, j)) == LANE_ONLINE;
	/* New writes raise their parity when drives are out. */
	for (out = n - online; out <= n; out++) {
		unsigned raised = quorum_parity(n, m, out);

		if (n - out < quorum_write(n - raised, raised))
			break;
	}
	if (write_spare != NULL)
		*write_spare = (int)out - 1 - (int)(n - online);
	return (int)online - (int)(n - m);
}
