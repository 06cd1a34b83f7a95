/* lock: messages of locks, headers of peers, from somebody who means harm.
 *
 * The first byte chooses the decoder.  What is believed must be said again in
 * the very same bytes; asks that are believed go to a lock_state, whose rules
 * must hold whatever they say. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/lock_wire.h"
#include "net/peer_auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
must_equal(struct buf *b, const uint8_t *data, size_t len)
{
	must(b->len == len && (len == 0 || memcmp(b->data, data, len) == 0));
	buf_release(b);
}

static uint64_t
raise_to(void *ctx, uint64_t stamp)
{
	(void)ctx;
	return stamp;
}

static void
wake(void *ctx, const struct uuid *session)
{
	(void)ctx;
	(void)session;
}

/* Of each name one writer or some readers hold. */
struct held {
	unsigned n;
	struct lock_info i[LOCK_BATCH_MAX];
};

static void
check_held(void *ctx, const struct lock_info *i)
{
	struct held *h = ctx;

	if (!i->granted)
		return;
	for (unsigned k = 0; k < h->n; k++)
		must(strcmp(h->i[k].name, i->name) != 0 ||
		    (!h->i[k].write && !i->write));
	must(h->n < LOCK_BATCH_MAX);
	h->i[h->n++] = *i;
}

static void
heed(const struct lock_item *items, size_t n)
{
	const struct lock_state_params p = { .lease_us = 1000000,
	    .places_max = 64, .raise = raise_to, .wake = wake };
	static struct held held;
	struct lock_state *s = NULL;
	struct lock_vote v;

	if (lock_state_new(&s, &p) != EC_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		if (items[i].release) {
			lock_state_release(s, i * 50000, items[i].ask.name,
			    &items[i].ask.id);
			continue;
		}
		lock_state_ask(s, i * 50000, &items[i].ask, &v);
		must(uuid_equal(&v.id, &items[i].ask.id));
		held.n = 0;
		lock_state_list(s, i * 50000, check_held, &held);
	}
	lock_state_free(s);
}

static void
fuzz_items(const uint8_t *data, size_t len)
{
	static struct lock_item items[LOCK_BATCH_MAX];
	struct buf again = BUF_INIT(LOCK_MESSAGE_MAX);
	size_t n;

	if (len > LOCK_MESSAGE_MAX ||
	    lock_wire_items_decode(items, &n, data, len) != EC_OK)
		return;
	must(lock_wire_items_encode(&again, items, n,
	    &items[0].ask.session) == EC_OK);
	must_equal(&again, data, len);
	heed(items, n);
}

static void
fuzz_votes(const uint8_t *data, size_t len)
{
	static struct lock_votes v;
	struct buf again = BUF_INIT(LOCK_MESSAGE_MAX);

	if (lock_wire_votes_decode(&v, data, len) != EC_OK)
		return;
	must(lock_wire_votes_encode(&again, &v) == EC_OK);
	must_equal(&again, data, len);
}

static void
fuzz_watch(const uint8_t *data, size_t len)
{
	struct buf again = BUF_INIT(LOCK_MESSAGE_MAX);
	struct uuid session;
	unsigned wait_ms;

	if (lock_wire_watch_decode(&session, &wait_ms, data, len) != EC_OK)
		return;
	must(lock_wire_watch_encode(&again, &session, wait_ms) == EC_OK);
	must_equal(&again, data, len);
}

static void
add(void *ctx, const struct lock_info *i)
{
	lock_wire_list_add(ctx, i);
}

static void
fuzz_list(const uint8_t *data, size_t len)
{
	struct buf again = BUF_INIT(LOCK_ANSWER_MAX);
	struct lock_wire_list l;
	bool cut;

	lock_wire_list_begin(&l, &again);
	if (lock_wire_list_decode(data, len, &cut, add, &l) != EC_OK) {
		buf_release(&again);
		return;
	}
	l.cut = cut;
	must(lock_wire_list_end(&l) == EC_OK);
	must_equal(&again, data, len);
}

/* Nobody without the secret is believed, whatever the header. */
static void
fuzz_auth(const uint8_t *data, size_t len)
{
	static struct peer_auth *a;
	uint8_t digest[DIGEST_SHA256_BYTES] = { 0 };
	struct peer_auth_mac mac = { { 0 } };
	char value[1024];
	uint64_t epoch;
	size_t n = len < sizeof(value) - 1 ? len : sizeof(value) - 1;

	if (a == NULL && peer_auth_new(&a, "a secret of some length", 23) !=
	    EC_OK)
		return;
	memcpy(value, data, n);
	value[n] = '\0';
	must(peer_auth_check(a, clock_real_us(), "POST", "/", value, "fuzz",
	    digest, &mac) == EC_EDENIED);
	must(peer_auth_check_answer(a, &mac, 200, digest, value, &epoch) ==
	    EC_EDENIED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const fuzz[])(const uint8_t *, size_t) = { fuzz_items,
	    fuzz_votes, fuzz_watch, fuzz_list, fuzz_auth };

	if (len > 0)
		fuzz[data[0] % 5](data + 1, len - 1);
	return 0;
}
