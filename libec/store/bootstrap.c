#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/bootstrap.h"

enum { LOOK_EVERY_MS = 200 };

/* All that was found, and what of it has a place already. */
struct found {
	struct node_drive *at;
	bool *placed;
	int differs;		/* a node with other drives, or -1 */
};

void
bootstrap_release(struct bootstrap *b)
{
	free(b->slot);
	*b = (struct bootstrap)BOOTSTRAP_INIT;
}

static bool
belongs(const struct bootstrap *b, const struct node_drive *d)
{
	return d->state == EC_OK &&
	    uuid_equal(&d->format.deployment, &b->deployment);
}

/* The deployment that most formatted drives belong to. */
static enum err
choose_deployment(struct uuid *out, const struct endpoints *e,
    const struct node_drive *f)
{
	unsigned best = 0, at = 0;
	bool tie = false;

	for (unsigned i = 0; i < e->count; i++) {
		unsigned votes = 0;

		for (unsigned j = 0; f[i].state == EC_OK && j < e->count; j++)
			votes += f[j].state == EC_OK &&
			    uuid_equal(&f[i].format.deployment,
			    &f[j].format.deployment);
		if (votes > best) {
			best = votes;
			at = i;
			tie = false;
		} else if (votes == best && votes > 0 &&
		    !uuid_equal(&f[i].format.deployment,
		    &f[at].format.deployment)) {
			tie = true;
		}
	}
	if (best == 0)
		return EC_ENOTFOUND;
	if (tie) {
		log_error("the drives belong to two deployments, %u each",
		    best);
		return EC_EFOREIGN;
	}
	*out = f[at].format.deployment;
	return EC_OK;
}

/* The pools' sizes are what the drives say; the names must fit it. */
static enum err
check_pool(struct bootstrap *b, const struct endpoints *e,
    const struct node_drive *found, unsigned pool)
{
	unsigned number = bootstrap_number(e, found, &b->deployment, pool);
	struct endpoint_pool *p = &b->pool[pool];

	*p = e->pool[pool];
	b->number[pool] = number;
	for (unsigned i = 0; i < pool; i++)
		if (b->number[i] == number) {
			log_error("pool %u: its drives are named in two "
			    "places", number);
			return EC_EFOREIGN;
		}
	for (unsigned i = p->first; i < p->first + p->count; i++) {
		const struct format *f = &found[i].format;

		if (!belongs(b, &found[i]))
			continue;
		if (f->pool != number) {
			log_error("%s: is of pool %u, but named with drives "
			    "of pool %u", e->at[i].name, f->pool, number);
			return EC_EFOREIGN;
		}
		if (f->set_count * f->drive_count != p->count) {
			log_error("%s: is of a pool of %u sets of %u drives, "
			    "but %u drives are named", e->at[i].name,
			    f->set_count, f->drive_count, p->count);
			return EC_EFOREIGN;
		}
		p->set_size = f->drive_count;
	}
	return EC_OK;
}

/* The set's reference: the record of the greatest generation. */
static const struct format *
reference(const struct bootstrap *b, const struct endpoint_pool *p,
    const struct node_drive *found, unsigned set)
{
	const struct format *best = NULL;

	for (unsigned i = p->first; i < p->first + p->count; i++) {
		const struct format *f = &found[i].format;

		if (belongs(b, &found[i]) && f->set == set &&
		    (best == NULL || f->generation > best->generation))
			best = f;
	}
	return best;
}

/* Put the drive with the slot's id, wherever it was found, into the slot. */
static void
place_known(const struct bootstrap *b, struct bootstrap_slot *s,
    const struct endpoints *e, const struct endpoint_pool *p,
    struct found *f)
{
	for (unsigned i = p->first; i < p->first + p->count; i++) {
		if (!belongs(b, &f->at[i]) ||
		    !uuid_equal(&f->at[i].format.drive, &s->format.drive))
			continue;
		if (f->placed[i])
			continue;
		if (s->state == EC_OK) {
			log_warn("%s and %s are the same drive",
			    e->at[s->endpoint].name, e->at[i].name);
			continue;
		}
		f->placed[i] = true;
		s->endpoint = i;
		s->state = EC_OK;
	}
}

/* A drive that says of itself to be the slot's, when the one that the set's
 * reference names is nowhere: two slots were refilled at once, and the other
 * one's record was written last. */
static void
place_claiming(const struct bootstrap *b, struct bootstrap_slot *s,
    const struct endpoint_pool *p, struct found *f)
{
	for (unsigned i = p->first; i < p->first + p->count; i++) {
		const struct format *o = &f->at[i].format;

		if (!belongs(b, &f->at[i]) || f->placed[i] ||
		    o->set != s->format.set || o->slot != s->format.slot ||
		    o->generation < s->format.generation)
			continue;
		f->placed[i] = true;
		s->endpoint = i;
		s->state = EC_OK;
		s->format = *o;
		return;
	}
}

/* Give a slot without its drive a place that is left: its own if it is one. */
static void
place_rest(struct bootstrap_slot *s, unsigned n, const struct endpoints *e,
    const struct endpoint_pool *p, struct found *f)
{
	unsigned at = n;

	if (f->placed[at])
		for (at = p->first; f->placed[at]; at++)
			;
	f->placed[at] = true;
	s->endpoint = at;
	s->state = f->at[at].state == EC_OK ? EC_EFOREIGN : f->at[at].state;
	if (s->state == EC_EFOREIGN)
		log_warn("%s: belongs to another deployment or was replaced; "
		    "not used", e->at[at].name);
}

static void
place_pool(struct bootstrap *b, const struct endpoints *e, unsigned pool,
    struct found *f)
{
	const struct endpoint_pool *p = &b->pool[pool];

	for (unsigned i = 0; i < p->count; i++) {
		unsigned set = i / p->set_size;
		const struct format *ref = reference(b, p, f->at, set);
		struct bootstrap_slot *s = &b->slot[p->first + i];

		s->format.deployment = b->deployment;
		if (ref != NULL)
			s->format = *ref;
		s->format.pool = b->number[pool];
		s->format.set_count = p->count / p->set_size;
		s->format.drive_count = p->set_size;
		s->format.set = set;
		s->format.slot = i % p->set_size;
		s->format.drive = s->format.drives[s->format.slot];
		s->state = EC_EOFFLINE;
		if (ref != NULL)
			place_known(b, s, e, p, f);
	}
	for (unsigned i = p->first; i < p->first + p->count; i++)
		if (b->slot[i].state != EC_OK)
			place_claiming(b, &b->slot[i], p, f);
	for (unsigned i = p->first; i < p->first + p->count; i++)
		if (b->slot[i].state != EC_OK)
			place_rest(&b->slot[i], i, e, p, f);
}

static enum err
make_map(struct bootstrap *out, const struct endpoints *e, struct found *f,
    const struct uuid *deployment)
{
	struct bootstrap b = BOOTSTRAP_INIT;
	enum err err = EC_OK;

	b.deployment = *deployment;
	if ((b.slot = mem_array(e->count, sizeof(*b.slot))) == NULL)
		return EC_ENOMEM;
	memset(f->placed, 0, e->count * sizeof(*f->placed));
	for (unsigned i = 0; i < e->pools && err == EC_OK; i++)
		if ((err = check_pool(&b, e, f->at, i)) == EC_OK)
			place_pool(&b, e, i, f);
	if (err == EC_OK)
		*out = b;
	else
		bootstrap_release(&b);
	return err;
}

/* Nothing is formatted: what of this machine would keep it from being? */
static enum err
check_fresh(struct cluster *c, const struct node_drive *f)
{
	const struct endpoints *e = cluster_endpoints(c);
	enum err err = EC_OK;

	for (unsigned i = 0; i < e->count; i++) {
		const enum err is = f[i].state;

		if (!cluster_local(c, i) || is == EC_ENOTFOUND)
			continue;
		if (is == EC_EOFFLINE && cluster_unmounted(c, e->at[i].path))
			log_error("%s: is on the root file system, others are "
			    "not: is its disk mounted?", e->at[i].name);
		else
			log_error("%s: %s; for a first start every drive must "
			    "be an empty directory", e->at[i].name,
			    err_text(is));
		if (err == EC_OK)
			err = is == EC_EOFFLINE || is == EC_ENOTEMPTY ?
			    EC_EINVAL : is;
	}
	return err;
}

/* Say, when it is not what was said last, why this waits. */
static void
say_waiting(struct cluster *c, const struct found *f, int lacks, int said[2])
{
	const struct endpoints *e = cluster_endpoints(c);

	if (said[0] == lacks && said[1] == f->differs)
		return;
	said[0] = lacks;
	said[1] = f->differs;
	if (f->differs >= 0)
		log_warn("waiting: node %s was started with other drives",
		    e->node[f->differs]);
	else if (lacks >= 0)
		log_info("waiting to format the drives: %s: %s",
		    e->at[lacks].name, err_text(f->at[lacks].state));
	else
		log_info("waiting for the drives to be formatted by %s",
		    e->node[e->at[0].node]);
}

/* Format the pools if all is there.  EC_EBUSY: not yet. */
static enum err
create(struct cluster *c, const struct found *f, int said[2])
{
	struct uuid deployment = uuid_new();
	enum err e;
	int lacks = -1;

	if ((e = check_fresh(c, f->at)) != EC_OK)
		return e;
	if (f->differs >= 0) {
		say_waiting(c, f, lacks, said);
		return EC_EBUSY;
	}
	e = bootstrap_format_pool(c, 0, &deployment, f->at, &lacks);
	if (e == EC_EBUSY)
		say_waiting(c, f, lacks, said);
	return e;
}

/* One look: EC_EBUSY when that is not enough. */
static enum err
try_map(struct bootstrap *out, struct cluster *c, struct found *f,
    const struct bootstrap_params *p, int said[2])
{
	const struct endpoints *es = cluster_endpoints(c);
	struct uuid deployment;
	enum err e;

	cluster_look(c, f->at, &f->differs);
	e = choose_deployment(&deployment, es, f->at);
	if (e == EC_ENOTFOUND && p->create) {
		if ((e = create(c, f, said)) != EC_OK)
			return e;
		cluster_look(c, f->at, &f->differs);
		e = choose_deployment(&deployment, es, f->at);
	}
	if (e == EC_ENOTFOUND)
		log_error("none of the %u drives is formatted", es->count);
	if (e != EC_OK)
		return e;
	bootstrap_finish(c, &deployment, f->at);
	/* Pools that were added; what cannot be formatted now waits. */
	for (unsigned i = 0; i < es->pools && p->create; i++)
		bootstrap_add_pool(c, i, &deployment, f->at);
	return make_map(out, es, f, &deployment);
}

enum err
bootstrap_map(struct bootstrap *out, struct cluster *c,
    const struct bootstrap_params *p)
{
	const struct timespec pause = { 0, LOOK_EVERY_MS * 1000000L };
	const struct endpoints *es = cluster_endpoints(c);
	struct found f = { NULL, NULL, -1 };
	int said[2] = { -2, -2 };
	enum err e = EC_ENOMEM;

	f.at = mem_array(es->count, sizeof(*f.at));
	f.placed = mem_array(es->count, sizeof(*f.placed));
	if (f.at == NULL || f.placed == NULL)
		goto out;
	while ((e = try_map(out, c, &f, p, said)) != EC_OK && p->wait) {
		/* What another node did not do now it may do later. */
		if (e != EC_EBUSY && e != EC_EOFFLINE && e != EC_ETIMEDOUT)
			break;
		if (p->stop != NULL && p->stop(p->ctx)) {
			e = EC_ECANCELED;
			break;
		}
		nanosleep(&pause, NULL);
	}
	if (e == EC_EBUSY)
		e = EC_ENOTFOUND;
out:
	free(f.at);
	free(f.placed);
	return e;
}
