/* multipart_list: the uploads of a bucket. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "set/multipart.h"
#include "set/set_impl.h"
#include "set/sweep.h"

struct lister {
	struct set *s;
	struct resolve r;
	struct upload *list;
	unsigned n, max;
	bool more;
};

static int
cmp_upload(const struct record *a, const struct record *b)
{
	return stamp_cmp(&a->target, &b->target);
}

/* The uploads of one key behind ${after}. */
static enum err
add_key(struct lister *l, struct resolve_input in[],
    const struct stamp *after)
{
	struct resolve_input group[SET_DRIVES_MAX];
	const struct state *state;
	enum err e;

	while (resolve_split(in, group, l->s->n, cmp_upload)) {
		if ((e = resolve_key(&l->r, group, l->s->n)) != EC_OK)
			return e;
		e = resolve_state(&l->r, NULL, &state);
		if (e == EC_EQUORUM || e == EC_ENOTFOUND)
			continue;	/* undecided: not an upload yet */
		if (e != EC_OK)
			return e;
		if ((state->rec->flags & RECORD_GONE) != 0 ||
		    (after != NULL &&
		    stamp_cmp(&state->rec->target, after) <= 0))
			continue;
		if ((l->more = l->n == l->max))
			return EC_OK;
		l->list[l->n] = (struct upload)UPLOAD_INIT;
		if ((e = multipart_from_record(&l->list[l->n++],
		    state->rec)) != EC_OK)
			return e;
	}
	return EC_OK;
}

/* All uploads of one key: the key the last page ended in, or one that has more
 * than a batch takes. */
static enum err
add_whole(struct lister *l, const char *bucket, const char *key,
    const struct stamp *after)
{
	struct drive_query q = { .table = DRIVE_UPLOADS, .bucket = bucket,
		.key = key, .want_parts = true, .limit = 10000 };
	struct resolve_input in[SET_DRIVES_MAX];
	struct ask a = ASK_INIT;
	enum err e;

	if ((e = ask_most(&a, l->s, &q, false, "list quorum")) == EC_OK) {
		ask_input(&a, in);
		e = add_key(l, in, after);
	}
	ask_release(&a);
	return e;
}

static enum err
fill(struct lister *l, struct sweep *w, const char *bucket,
    const char *after_key, const struct stamp *after_id)
{
	struct resolve_input in[SET_DRIVES_MAX];
	const char *key;
	bool cut;
	enum err e = EC_OK;

	if (after_key != NULL && after_id != NULL && !stamp_is_zero(after_id))
		e = add_whole(l, bucket, after_key, after_id);
	while (e == EC_OK && !l->more &&
	    (e = sweep_next(w, &key, in)) == EC_OK) {
		cut = false;
		for (unsigned i = 0; i < l->s->n; i++)
			cut = cut || in[i].cut;
		e = cut ? add_whole(l, bucket, key, NULL) :
		    add_key(l, in, NULL);
	}
	return e == EC_ENOTFOUND ? EC_OK : e;
}

enum err
multipart_list(struct set *s, const char *bucket, const char *prefix,
    const char *after_key, const struct stamp *after_id, unsigned max,
    struct upload **out, unsigned *n, bool *more)
{
	struct drive_query q = { .table = DRIVE_UPLOADS, .bucket = bucket,
		.want_parts = true };
	struct lister l = { .s = s, .r = RESOLVE_INIT, .max = max };
	struct sweep w;
	enum err e = EC_ENOMEM;

	set_complain_clear();
	if (prefix != NULL && prefix[0] != '\0')
		q.prefix = prefix;
	sweep_init(&w, s, &q, after_key, max + 1);
	if ((l.list = mem_array(max, sizeof(*l.list))) != NULL)
		e = fill(&l, &w, bucket, after_key, after_id);
	if (e == EC_OK) {
		*out = l.list;
		*n = l.n;
		*more = l.more;
		l.list = NULL;
	}
	while (l.list != NULL && l.n > 0)
		upload_release(&l.list[--l.n]);
	free(l.list);
	resolve_release(&l.r);
	sweep_release(&w);
	return e;
}
