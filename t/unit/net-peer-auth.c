/* peer_auth: what is accepted, and that nothing else is. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "base/clock.h"
#include "net/peer_auth.h"

#define S UINT64_C(1000000)

static const char secret[] = "sixteen bytes or";
static uint64_t now = 1000000 * S;

/* A request as it is seen on the wire. */
struct message {
	char value[PEER_AUTH_VALUE_MAX];
	struct peer_auth_mac mac;
	uint8_t digest[DIGEST_SHA256_BYTES];
};

static struct peer_auth *
party(const char *with)
{
	struct peer_auth *a = NULL;

	if (peer_auth_new(&a, with, strlen(with)) != EC_OK)
		abort();
	return a;
}

static void
sign(struct message *m, struct peer_auth *from, uint64_t epoch,
    const char *target, const char *body)
{
	digest_once(DIGEST_SHA256, body, strlen(body), m->digest);
	peer_auth_sign(from, now, epoch, "POST", target, m->digest, m->value,
	    &m->mac);
}

static enum err
check(struct peer_auth *to, const struct message *m, const char *target)
{
	uint8_t digest[DIGEST_SHA256_BYTES];
	struct peer_auth_mac mac;
	enum err e;

	e = peer_auth_check(to, now, "POST", target, m->value, "test", digest,
	    &mac);
	if (e == EC_OK && memcmp(digest, m->digest, sizeof(digest)) != 0)
		return EC_ECORRUPT;
	return e;
}

/* The epoch of ${to}, as ${from} learns it. */
static uint64_t
learn(struct peer_auth *from, struct peer_auth *to)
{
	uint8_t digest[DIGEST_SHA256_BYTES];
	struct peer_auth_mac mac;
	char answer[PEER_AUTH_VALUE_MAX];
	struct message m;
	uint64_t epoch = 0;

	sign(&m, from, 0, "/", "");
	if (peer_auth_check(to, now, "POST", "/", m.value, "test", digest,
	    &mac) != EC_ESTALE)
		return 0;
	peer_auth_answer(to, &mac, 401, m.digest, answer);
	return peer_auth_check_answer(from, &m.mac, 401, m.digest, answer,
	    &epoch) == EC_OK ? epoch : 0;
}

static void
test_accept(void)
{
	struct peer_auth *a = party(secret), *b = party(secret);
	struct peer_auth *restarted = party(secret), *stranger;
	uint64_t epoch = learn(a, b);
	struct message m, n;

	tap_ok(epoch != 0, "the epoch is learnt from the first answer");
	sign(&m, a, epoch, "/x", "body");
	tap_ok(check(b, &m, "/x") == EC_OK, "a good request");
	tap_ok(check(b, &m, "/x") == EC_ESTALE,
	    "CVE-2018-1128, CVE-2020-25660: the same once more");
	tap_ok(check(restarted, &m, "/x") == EC_ESTALE,
	    "the same to another process, or after a restart");
	sign(&n, a, epoch, "/x", "body");
	tap_ok(check(b, &n, "/y") == EC_EDENIED, "to another target");
	tap_ok(check(b, &n, "/x") == EC_OK, "which does not use it up");
	stranger = party("another sixteen b");
	sign(&n, stranger, epoch, "/x", "body");
	tap_ok(check(b, &n, "/x") == EC_EDENIED, "another secret");
	n.value[0] = '\0';
	tap_ok(check(b, &n, "/x") == EC_EDENIED, "nothing");
	peer_auth_free(a);
	peer_auth_free(b);
	peer_auth_free(restarted);
	peer_auth_free(stranger);
	a = NULL;
	tap_ok(peer_auth_new(&a, secret, PEER_AUTH_SECRET_MIN - 1) ==
	    EC_EINVAL && a == NULL, "a secret that is too short");
}

/* Each character of the header matters. */
static void
test_tamper(void)
{
	struct peer_auth *a = party(secret), *b = party(secret);
	uint64_t epoch = learn(a, b);
	unsigned accepted = 0, tried = 0;
	struct message m, bad;

	sign(&m, a, epoch, "/x", "body");
	for (size_t i = 0; m.value[i] != '\0'; i++)
		for (unsigned bit = 0; bit < 7; bit++) {
			bad = m;
			bad.value[i] ^= (char)(1 << bit);
			/* hex digits may be of either case */
			if ((m.value[i] ^ bad.value[i]) == ' ' &&
			    m.value[i] >= 'A')
				continue;
			tried++;
			accepted += check(b, &bad, "/x") == EC_OK;
		}
	tap_ok(accepted == 0 && tried > 1000, "%u changes of a bit, %u "
	    "accepted", tried, accepted);
	for (size_t len = strlen(m.value); len > 0; len--) {
		bad = m;
		bad.value[len - 1] = '\0';
		accepted += check(b, &bad, "/x") == EC_OK;
	}
	tap_ok(accepted == 0, "cut anywhere");
	tap_ok(check(b, &m, "/x") == EC_OK, "and the good one is still good");
	peer_auth_free(a);
	peer_auth_free(b);
}

static void
test_time(void)
{
	struct peer_auth *a = party(secret), *b = party(secret);
	uint64_t epoch = learn(a, b), sent = now;
	struct message m, n;

	sign(&m, a, epoch, "/x", "");
	sign(&n, a, epoch, "/x", "");
	now = sent + PEER_AUTH_SKEW_S * S + 1;
	tap_ok(check(b, &m, "/x") == EC_EDENIED, "too late");
	now = sent - PEER_AUTH_SKEW_S * S - 1;
	tap_ok(check(b, &m, "/x") == EC_EDENIED, "too early");
	now = sent + PEER_AUTH_SKEW_S * S;
	tap_ok(check(b, &m, "/x") == EC_OK, "just in time");
	now = sent - PEER_AUTH_SKEW_S * S;
	tap_ok(check(b, &n, "/x") == EC_OK, "just early");
	now = sent;
	peer_auth_free(a);
	peer_auth_free(b);
}

/* Messages overtake each other; each is accepted once or, far behind, never. */
static void
test_window(void)
{
	enum { MESSAGES = 4 * PEER_AUTH_WINDOW };
	static struct message m[MESSAGES];
	static unsigned times[MESSAGES], tries[MESSAGES];
	struct peer_auth *a = party(secret), *b = party(secret);
	uint64_t epoch = learn(a, b);
	unsigned bad = 0, good = 0, tried = 0, seed = 1, i, k;

	for (i = 0; i < MESSAGES; i++)
		sign(&m[i], a, epoch, "/x", "");
	for (unsigned n = 0; n < 20 * MESSAGES; n++) {
		/* somewhere in a window that moves on */
		i = n / 20 + (unsigned)rand_r(&seed) % (PEER_AUTH_WINDOW / 2);
		if (i >= MESSAGES)
			continue;
		tries[i]++;
		times[i] += check(b, &m[i], "/x") == EC_OK;
	}
	for (i = 0; i < MESSAGES; i++) {
		bad += times[i] > 1;
		good += times[i] == 1;
		tried += tries[i] > 0;
	}
	tap_is_u64(bad, 0, "none is accepted twice");
	tap_ok(good == tried && tried > MESSAGES / 2,
	    "%u of %u that overtake each other are accepted", good, tried);
	sign(&m[0], a, epoch, "/x", "");
	for (k = 1; k <= PEER_AUTH_WINDOW; k++)
		sign(&m[k], a, epoch, "/x", "");
	tap_ok(check(b, &m[PEER_AUTH_WINDOW], "/x") == EC_OK &&
	    check(b, &m[0], "/x") == EC_ESTALE &&
	    check(b, &m[1], "/x") == EC_OK, "the window's edge");
	peer_auth_free(a);
	peer_auth_free(b);
}

/* More senders than are remembered: what was accepted stays refused. */
static void
test_many_senders(void)
{
	enum { SENDERS = PEER_AUTH_SENDERS_MAX + 500, KEPT = 200 };
	static struct message kept[KEPT];
	struct peer_auth *b = party(secret), *a;
	unsigned refused = 0, again = 0;
	struct message m;
	uint64_t epoch = 0;

	for (unsigned i = 0; i < SENDERS; i++) {
		now += 1000;
		a = party(secret);
		if (epoch == 0)
			epoch = learn(a, b);
		sign(&m, a, epoch, "/x", "");
		refused += check(b, &m, "/x") != EC_OK;
		if (i < KEPT)
			kept[i] = m;
		peer_auth_free(a);
	}
	for (unsigned i = 0; i < KEPT; i++)
		again += check(b, &kept[i], "/x") == EC_OK;
	tap_is_u64(refused, 0, "new senders are accepted");
	tap_is_u64(again, 0, "forgotten ones cannot be played again");
	peer_auth_free(b);
}

static void
test_answer(void)
{
	struct peer_auth *a = party(secret), *b = party(secret);
	struct peer_auth *stranger = party("another sixteen b");
	uint8_t digest[DIGEST_SHA256_BYTES], other[DIGEST_SHA256_BYTES];
	char value[PEER_AUTH_VALUE_MAX], forged[PEER_AUTH_VALUE_MAX];
	struct message m, n;
	uint64_t epoch = learn(a, b), told = 0;

	digest_once(DIGEST_SHA256, "yes", 3, digest);
	digest_once(DIGEST_SHA256, "no", 2, other);
	sign(&m, a, epoch, "/x", "1");
	sign(&n, a, epoch, "/x", "1");
	peer_auth_answer(b, &m.mac, 200, digest, value);
	tap_ok(peer_auth_check_answer(a, &m.mac, 200, digest, value, &told) ==
	    EC_OK && told == epoch, "a good answer");
	tap_ok(peer_auth_check_answer(a, &m.mac, 403, digest, value, &told) ==
	    EC_EDENIED, "another status");
	tap_ok(peer_auth_check_answer(a, &m.mac, 200, other, value, &told) ==
	    EC_EDENIED, "another body");
	tap_ok(peer_auth_check_answer(a, &n.mac, 200, digest, value, &told) ==
	    EC_EDENIED, "that of another request");
	tap_ok(peer_auth_check_answer(a, &m.mac, 200, digest, NULL, &told) ==
	    EC_EDENIED, "none");
	peer_auth_answer(stranger, &m.mac, 200, digest, forged);
	tap_ok(peer_auth_check_answer(a, &m.mac, 200, digest, forged, &told) ==
	    EC_EDENIED, "a stranger's");
	peer_auth_free(a);
	peer_auth_free(b);
	peer_auth_free(stranger);
}

int
main(void)
{
	test_accept();
	test_tamper();
	test_time();
	test_window();
	test_many_senders();
	test_answer();
	return tap_done();
}
