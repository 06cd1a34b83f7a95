/* The first format of a pool. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/bootstrap.h"

/* Give each drive of the pool its record, of this generation. */
static enum err
write_all(struct cluster *c, const struct endpoint_pool *p, struct format *f,
    const struct uuid *ids, uint64_t generation)
{
	const struct endpoints *es = cluster_endpoints(c);
	enum err e = EC_OK;

	f->generation = generation;
	for (unsigned i = 0; i < p->count && e == EC_OK; i++) {
		f->set = i / p->set_size;
		f->slot = i % p->set_size;
		f->drive = ids[i];
		memcpy(f->drives, ids + f->set * p->set_size,
		    p->set_size * sizeof(ids[0]));
		if ((e = cluster_format(c, p->first + i, f)) != EC_OK)
			log_error("%s: not formatted: %s",
			    es->at[p->first + i].name, err_text(e));
	}
	return e;
}

static const struct format *
known(const struct endpoint_pool *p, const struct node_drive *found,
    const struct uuid *deployment)
{
	for (unsigned i = p->first; i < p->first + p->count; i++)
		if (found[i].state == EC_OK && uuid_equal(
		    &found[i].format.deployment, deployment))
			return &found[i].format;
	return NULL;
}

unsigned
bootstrap_number(const struct endpoints *es, const struct node_drive *found,
    const struct uuid *deployment, unsigned pool)
{
	const struct format *f = known(&es->pool[pool], found, deployment);
	unsigned next = 0, unknown = 0;

	if (f != NULL)
		return f->pool;
	for (unsigned i = 0; i < es->pools; i++) {
		f = known(&es->pool[i], found, deployment);
		if (f != NULL && f->pool >= next)
			next = f->pool + 1;
		unknown += f == NULL && i < pool;
	}
	return next + unknown;
}

/* All pools are either known or empty, so that their numbers are known. */
static bool
all_numbered(const struct endpoints *es, const struct node_drive *found,
    const struct uuid *deployment)
{
	for (unsigned i = 0; i < es->pools; i++) {
		const struct endpoint_pool *p = &es->pool[i];

		if (known(p, found, deployment) != NULL)
			continue;
		for (unsigned j = p->first; j < p->first + p->count; j++)
			if (found[j].state != EC_ENOTFOUND)
				return false;
	}
	return true;
}

enum err
bootstrap_format_pool(struct cluster *c, unsigned pool,
    const struct uuid *deployment, const struct node_drive *found,
    int *lacks)
{
	const struct endpoint_pool *p = &cluster_endpoints(c)->pool[pool];
	struct format f = { .deployment = *deployment,
		.pool = bootstrap_number(cluster_endpoints(c), found,
		    deployment, pool),
		.set_count = p->count / p->set_size,
		.drive_count = p->set_size };
	struct uuid ids[ENDPOINTS_MAX];
	enum err e;

	*lacks = -1;
	if (!cluster_local(c, p->first))
		return EC_EBUSY;
	for (unsigned i = p->first; i < p->first + p->count; i++)
		if (found[i].state != EC_ENOTFOUND) {
			*lacks = (int)i;
			return EC_EBUSY;
		}
	for (unsigned i = 0; i < p->count; i++)
		ids[i] = uuid_new();
	if ((e = write_all(c, p, &f, ids, 0)) == EC_OK)
		e = write_all(c, p, &f, ids, 1);
	return e;
}

void
bootstrap_add_pool(struct cluster *c, unsigned pool,
    const struct uuid *deployment, struct node_drive *found)
{
	const struct endpoint_pool *p = &cluster_endpoints(c)->pool[pool];
	unsigned number = bootstrap_number(cluster_endpoints(c), found,
	    deployment, pool);
	int lacks;

	for (unsigned i = p->first; i < p->first + p->count; i++)
		if (found[i].state == EC_OK)
			return;
	if (!all_numbered(cluster_endpoints(c), found, deployment))
		return;
	if (bootstrap_format_pool(c, pool, deployment, found, &lacks) ==
	    EC_OK) {
		log_info("pool %u: %u drives formatted", number, p->count);
		cluster_look(c, found, NULL);
	}
}

/* Does a drive of the same set say that this one belongs to it? */
static bool
is_member(const struct endpoints *es, const struct node_drive *found,
    const struct format *f)
{
	for (unsigned i = 0; i < es->count; i++) {
		const struct format *o = &found[i].format;

		if (found[i].state == EC_OK &&
		    uuid_equal(&o->deployment, &f->deployment) &&
		    o->pool == f->pool && o->set == f->set)
			return o->drive_count == f->drive_count &&
			    uuid_equal(&o->drives[f->slot], &f->drive);
	}
	/* Its set is behind as a whole; then any of the pool will do. */
	for (unsigned i = 0; i < es->count; i++)
		if (found[i].state == EC_OK &&
		    uuid_equal(&found[i].format.deployment, &f->deployment) &&
		    found[i].format.pool == f->pool)
			return true;
	return false;
}

void
bootstrap_finish(struct cluster *c, const struct uuid *deployment,
    struct node_drive *found)
{
	const struct endpoints *es = cluster_endpoints(c);

	for (unsigned i = 0; i < es->count; i++) {
		struct node_drive *d = &found[i];
		struct format f = d->format;

		if (!d->begun || !cluster_local(c, i) ||
		    !uuid_equal(&f.deployment, deployment) ||
		    !is_member(es, found, &f))
			continue;
		f.generation = 1;
		if (cluster_format(c, i, &f) != EC_OK)
			continue;
		*d = (struct node_drive){ .state = EC_OK, .format = f };
	}
}
