/* Locks around commits.
 *
 * 1. Who keeps them: store_keeper.c.  In this process they are a function
 *    call, else votes.
 * 2. Under votes (a lease, not a promise) all records of one commit carry the
 *    fencing token as the time of their stamps (commit_fence).  Each holder of
 *    a name has a greater token than those before, and a drive refuses what is
 *    older than what it has: so what a holder wrote whose lease was lost never
 *    hides what a later one wrote.
 * 3. A commit under votes counts only if they still held when all answers were
 *    there: then nobody else was granted the name in between, and a condition
 *    that was checked under the lock still held.
 * 4. A refusal as too old under votes means that an earlier holder's clock was
 *    ahead, or that the lease was lost.  It is tried again under a new lock,
 *    whose token is above what was seen, from the check on.
 * 5. Under votes a commit does not hold its bucket, which would be one more
 *    round trip: the drives refuse what comes into a bucket that is closed, and
 *    who removes one closes it before the last look at what is in it.
 * 6. Reads need no lock, nor do heals: they write what is there once more,
 *    under its own stamp. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "set/commit.h"
#include "store/store_impl.h"

enum { NAME_MAX_BYTES = RECORD_BUCKET_MAX + RECORD_KEY_MAX + 2,
	COMPLAIN_US = 10 * 1000 * 1000 };

static void
lock_name(char out[NAME_MAX_BYTES], const char *bucket, const char *key)
{
	size_t len = strlen(bucket);

	/* Names are valid here, so the two always fit. */
	memcpy(out, bucket, len + 1);
	if (key == NULL)
		return;
	out[len++] = '/';
	memcpy(out + len, key, strlen(key) + 1);
}

static enum err
take_own(struct store *st, const char *bucket, const char *key,
    struct store_hold *h)
{
	char name[NAME_MAX_BYTES];
	enum err e;

	e = lock_service_take(st->locks, bucket, key == NULL, STORE_LOCK_MS,
	    &h->own[0]);
	if (e != EC_OK || key == NULL)
		return e;
	lock_name(name, bucket, key);
	return lock_service_take(st->locks, name, true, STORE_LOCK_MS,
	    &h->own[1]);
}

/* Say why, but not for each request. */
static void
complain(struct store *st, struct lock_client *c, enum err e)
{
	uint64_t now = clock_mono_us(), last = atomic_load(&st->lock_said_us);
	struct buf b = BUF_INIT(4096);

	if ((last != 0 && now - last < COMPLAIN_US) ||
	    !atomic_compare_exchange_strong(&st->lock_said_us, &last, now))
		return;
	(void)lock_client_explain(c, &b);
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '\n')
			b.data[i] = i + 1 < b.len ? ';' : ' ';
	log_error("no locks, so no writes: %s: %s", err_text(e),
	    b.len > 0 ? buf_str(&b) : "too few nodes answer");
	buf_release(&b);
}

static enum err
take_votes(struct store *st, struct lock_client *c, const char *bucket,
    const char *key, struct store_hold *h)
{
	char name[NAME_MAX_BYTES];
	const struct lock_want want = { name, true };
	uint64_t token;
	enum err e;

	lock_name(name, bucket, key);
	e = lock_client_take(c, &want, 1, STORE_LOCK_MS, NULL, NULL,
	    &h->votes);
	if (e != EC_OK) {
		if (e != EC_ETIMEDOUT && e != EC_ENOMEM)
			complain(st, c, e);
		return e;
	}
	token = lock_hold_token(h->votes, 0);
	clock_hlc_observe(token);
	commit_fence(token);
	return EC_OK;
}

/* In the process that keeps the locks what is remembered of a bucket is true,
 * for it hears of changes.  Elsewhere it may be half a second old: the drives
 * check that the bucket is there, and versioning may begin so much later. */
static enum err
check_bucket(struct store *st, const char *name, struct store_hold *h)
{
	struct bucket b = BUCKET_INIT;
	enum err e = store_bucket_look(st, name, &b);

	if (e == EC_OK)
		h->keeps = store_bucket_versioning(&b);
	bucket_release(&b);
	return e;
}

enum err
store_hold(struct store *st, const char *bucket, const char *key,
    struct store_hold *h)
{
	struct lock_client *c = NULL;
	enum err e;

	*h = (struct store_hold){ .votes = NULL };
	if ((e = store_keeper(st, &c)) != EC_OK)
		return e;
	if (c == NULL)
		e = take_own(st, bucket, key, h);
	else
		e = take_votes(st, c, bucket, key, h);
	if (e == EC_OK && key != NULL)
		e = check_bucket(st, bucket, h);
	return e;
}

enum err
store_release(struct store_hold *h, enum err e)
{
	if (h->votes != NULL) {
		if (e == EC_OK && lock_hold_left_us(h->votes) == 0)
			e = EC_ETIMEDOUT;	/* invariant 3 */
		commit_fence(0);
	}
	lock_hold_release(h->votes);
	lock_service_give(h->own[1]);
	lock_service_give(h->own[0]);
	*h = (struct store_hold){ .votes = NULL };
	return e;
}

bool
store_again(struct store *st, const char *bucket, enum err e, unsigned *tries)
{
	if ((e != EC_ESTALE && e != EC_ENOBUCKET) || ++*tries == STORE_TRIES)
		return false;
	/* The drives know of no bucket.  Is there none? */
	return e == EC_ESTALE || (bucket != NULL &&
	    store_bucket_reopen(st, bucket) == EC_OK);
}
