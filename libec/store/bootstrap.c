#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "drive/local.h"
#include "store/bootstrap.h"

/* What was found at one path. */
struct found {
	enum err state;
	struct format format;
	bool placed;
};

void
bootstrap_release(struct bootstrap *b)
{
	free(b->slot);
	*b = (struct bootstrap)BOOTSTRAP_INIT;
}

static void
log_not_fresh(const struct endpoints *e, const struct found *f)
{
	for (unsigned i = 0; i < e->count; i++)
		if (f[i].state != EC_ENOTFOUND)
			log_error("%s: %s; for a first start every drive must "
			    "be an empty directory", e->path[i],
			    err_text(f[i].state));
}

/* Format every path as a new pool. */
static enum err
create_pool(struct found *f, const struct endpoints *e)
{
	struct format fmt = { .deployment = uuid_new(), .generation = 1,
		.set_count = e->count / e->set_size,
		.drive_count = e->set_size };
	struct uuid ids[ENDPOINTS_MAX];
	enum err err = EC_OK;

	for (unsigned i = 0; i < e->count; i++)
		ids[i] = uuid_new();
	for (unsigned i = 0; i < e->count && err == EC_OK; i++) {
		fmt.set = i / e->set_size;
		fmt.slot = i % e->set_size;
		fmt.drive = ids[i];
		memcpy(fmt.drives, ids + fmt.set * e->set_size,
		    e->set_size * sizeof(ids[0]));
		if ((err = local_format(e->path[i], &fmt)) == EC_OK) {
			f[i].state = EC_OK;
			f[i].format = fmt;
		}
	}
	return err;
}

/* The deployment that most formatted drives belong to. */
static enum err
choose_deployment(struct uuid *out, const struct endpoints *e,
    const struct found *f)
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
	if (best == 0) {
		log_error("none of the %u drives is formatted", e->count);
		return EC_ENOTFOUND;
	}
	if (tie) {
		log_error("the drives belong to two deployments, %u each",
		    best);
		return EC_EFOREIGN;
	}
	*out = f[at].format.deployment;
	return EC_OK;
}

/* The map's size is what the drives say; the paths must fit it. */
static enum err
check_size(struct bootstrap *b, const struct endpoints *e,
    const struct found *f)
{
	for (unsigned i = 0; i < e->count; i++) {
		const struct format *fmt = &f[i].format;

		if (f[i].state != EC_OK ||
		    !uuid_equal(&fmt->deployment, &b->deployment))
			continue;
		if (fmt->set_count * fmt->drive_count != e->count) {
			log_error("%s: is of a pool of %u sets of %u drives, "
			    "but %u drives are named", e->path[i],
			    fmt->set_count, fmt->drive_count, e->count);
			return EC_EFOREIGN;
		}
		b->sets = fmt->set_count;
		b->set_size = fmt->drive_count;
	}
	return EC_OK;
}

/* The set's reference: the record of the greatest generation. */
static const struct format *
reference(const struct bootstrap *b, const struct endpoints *e,
    const struct found *f, unsigned set)
{
	const struct format *best = NULL;

	for (unsigned i = 0; i < e->count; i++) {
		const struct format *fmt = &f[i].format;

		if (f[i].state == EC_OK && fmt->set == set &&
		    uuid_equal(&fmt->deployment, &b->deployment) &&
		    (best == NULL || fmt->generation > best->generation))
			best = fmt;
	}
	return best;
}

/* Put the drive with the slot's id, wherever it was found, into the slot. */
static void
place_known(struct bootstrap_slot *s, const struct endpoints *e,
    struct found *f)
{
	for (unsigned i = 0; i < e->count; i++) {
		if (f[i].state != EC_OK || f[i].placed ||
		    !uuid_equal(&f[i].format.deployment,
		    &s->format.deployment) ||
		    !uuid_equal(&f[i].format.drive, &s->format.drive))
			continue;
		f[i].placed = true;
		s->path = e->path[i];
		s->state = EC_OK;
		return;
	}
}

/* Give a slot without its drive a path that is left: its own if that is one. */
static void
place_rest(struct bootstrap_slot *s, unsigned n, const struct endpoints *e,
    struct found *f)
{
	unsigned at = n;

	if (f[at].placed)
		for (at = 0; f[at].placed; at++)
			;
	f[at].placed = true;
	s->path = e->path[at];
	s->state = f[at].state == EC_OK ? EC_EFOREIGN : f[at].state;
	if (s->state == EC_EFOREIGN)
		log_warn("%s: belongs to another deployment or was replaced; "
		    "not used", s->path);
}

static void
place_all(struct bootstrap *b, const struct endpoints *e, struct found *f)
{
	for (unsigned i = 0; i < e->count; i++) {
		const struct format *ref = reference(b, e, f, i / b->set_size);
		struct bootstrap_slot *s = &b->slot[i];

		s->format.deployment = b->deployment;
		s->format.set_count = b->sets;
		s->format.drive_count = b->set_size;
		if (ref != NULL)
			s->format = *ref;
		s->format.set = i / b->set_size;
		s->format.slot = i % b->set_size;
		s->format.drive = s->format.drives[s->format.slot];
		s->state = EC_EOFFLINE;
		if (ref != NULL)
			place_known(s, e, f);
	}
	for (unsigned i = 0; i < e->count; i++)
		if (b->slot[i].path == NULL)
			place_rest(&b->slot[i], i, e, f);
}

enum err
bootstrap_map(struct bootstrap *out, const struct endpoints *e, bool create)
{
	struct bootstrap b = BOOTSTRAP_INIT;
	struct found *f = mem_array(e->count, sizeof(*f));
	unsigned empty = 0, formatted = 0;
	enum err err = EC_ENOMEM;

	b.slot = mem_array(e->count, sizeof(*b.slot));
	if (f == NULL || b.slot == NULL)
		goto out;
	for (unsigned i = 0; i < e->count; i++) {
		f[i].state = local_peek(&f[i].format, e->path[i]);
		empty += f[i].state == EC_ENOTFOUND;
		formatted += f[i].state == EC_OK;
	}
	if (create && formatted == 0 && empty < e->count) {
		log_not_fresh(e, f);
		err = EC_ENOTFOUND;
		goto out;
	}
	if (create && formatted == 0 &&
	    (err = create_pool(f, e)) != EC_OK)
		goto out;
	if ((err = choose_deployment(&b.deployment, e, f)) != EC_OK ||
	    (err = check_size(&b, e, f)) != EC_OK)
		goto out;
	place_all(&b, e, f);
	*out = b;
	b = (struct bootstrap)BOOTSTRAP_INIT;
out:
	bootstrap_release(&b);
	free(f);
	return err;
}
