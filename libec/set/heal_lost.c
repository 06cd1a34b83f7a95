/* heal_lost: asked for what readers do not find, so it begins with what costs
 * nothing: in a set of which no drive was ever replaced nothing is lost so. */
#include "set/heal_lost.h"

#include "base/clock.h"
#include "set/heal_born.h"
#include "set/set_impl.h"

enum { REPLACED_TTL_US = 10 * 1000000, RECORDS_MAX = 100 };

static enum err
any_replaced(struct set *s, struct heal_born *b, bool *any)
{
	uint64_t now = clock_mono_us(), at = atomic_load(&s->replaced_us);
	enum err e;

	*any = atomic_load(&s->replaced);
	if (at != 0 && now - at < REPLACED_TTL_US)
		return EC_OK;
	if ((e = heal_born_ask(b, s)) != EC_OK)
		return e;
	*any = false;
	for (unsigned i = 0; i < s->n; i++)
		*any = *any || (b->known[i] && b->us[i] > 0);
	atomic_store(&s->replaced, *any);
	atomic_store(&s->replaced_us, now);
	return EC_OK;
}

static bool
is_asked_for(const struct record *r, const struct stamp *version)
{
	if (r->kind != RECORD_OBJECT)
		return false;
	if (version == NULL)
		return true;
	return stamp_is_zero(version) ? (r->flags & RECORD_NULL) != 0 :
	    stamp_cmp(&r->stamp, version) == 0;
}

/* For people: which drives lack it. */
static void
complain(const struct set *s, const struct heal_version *v)
{
	enum err results[SET_DRIVES_MAX];

	for (unsigned i = 0; i < s->n; i++)
		results[i] = v->on[i] != NULL ? EC_OK : EC_ENOTFOUND;
	set_complain(s, "a lost version: pieces", v->best->k, results);
}

static enum err
judge(struct set *s, const struct heal_census *c, struct heal_born *b,
    const struct stamp *version)
{
	enum heal_failure f;
	enum err e;

	for (unsigned i = 0; i < c->version_count; i++) {
		const struct heal_version *v = &c->versions[i];

		if (v->fate != HEAL_FAILED || !is_asked_for(v->best, version))
			continue;
		if ((e = heal_born_judge(b, s, c, v, &f)) != EC_OK)
			return e;
		if (f == HEAL_NEVER_DONE)
			continue;
		complain(s, v);
		return f == HEAL_GONE ? EC_ELOST : EC_EQUORUM;
	}
	return EC_ENOTFOUND;
}

enum err
heal_lost(struct set *s, const char *bucket, const char *key,
    const struct stamp *version)
{
	const struct drive_query q = {
		.table = DRIVE_VERSIONS, .bucket = bucket, .key = key,
		.want_parts = true, .limit = RECORDS_MAX,
	};
	struct heal_census c = HEAL_CENSUS_INIT;
	struct heal_born b = { .asked = false };
	struct resolve_input in[SET_DRIVES_MAX];
	struct ask a = ASK_INIT;
	bool any = false;
	enum err e;

	if ((e = any_replaced(s, &b, &any)) != EC_OK || !any)
		return e == EC_OK ? EC_ENOTFOUND : e;
	if ((e = heal_ask(&a, s, &q)) != EC_OK)
		goto out;
	ask_input(&a, in);
	if ((e = heal_census_judge(&c, in, s->n)) == EC_OK)
		e = judge(s, &c, &b, version);
out:
	heal_census_release(&c);
	ask_release(&a);
	return e;
}
