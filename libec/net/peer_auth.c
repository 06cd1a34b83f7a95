/* Invariant: a number of a sender is accepted once.  What a forgotten sender
 * ever sent is stamped no later than ${floor}, and an unknown sender must be
 * later than that. */
#include "net/peer_auth.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/os_linux.h"
#include "base/uuid.h"

enum { BUCKETS = 1024, KEY_BYTES = DIGEST_SHA256_BYTES, TEXT_MAX = 20 * 1024,
	LOG_EVERY_US = 10 * 1000 * 1000 };

/* Somebody who has sent: which of the numbers (top - WINDOW, top] were seen,
 * bit n % WINDOW for number n. */
struct sender {
	struct uuid id;
	uint64_t top;
	uint64_t seen[PEER_AUTH_WINDOW / 64];
	uint64_t stamp_us;		/* the latest */
	struct sender *next;		/* in its bucket */
};

struct peer_auth {
	uint8_t request_key[KEY_BYTES], answer_key[KEY_BYTES];
	uint8_t body_key[KEY_BYTES];
	struct uuid id;
	uint64_t epoch;
	_Atomic uint64_t number;
	bool tls;
	char *ca_path;

	pthread_mutex_t lock;		/* guards what follows */
	struct sender *buckets[BUCKETS];
	unsigned senders;
	uint64_t floor_us;
	uint64_t logged_us;
	unsigned unlogged;
};

/* The fields of a request's header. */
struct request {
	struct uuid sender;
	uint64_t number, stamp_us, epoch;
	uint8_t digest[DIGEST_SHA256_BYTES];
	uint8_t mac[DIGEST_SHA256_BYTES];
};

/* HKDF-SHA256 (RFC 5869) with one block of output. */
const uint8_t peer_auth_streamed[DIGEST_SHA256_BYTES];

static void
derive(uint8_t out[KEY_BYTES], const void *secret, size_t len,
    const char *info)
{
	static const char salt[] = "ec cluster secret 1";
	uint8_t prk[KEY_BYTES];
	char text[64];
	int n;

	digest_hmac_sha256(salt, strlen(salt), secret, len, prk);
	n = snprintf(text, sizeof(text), "%s\x01", info);
	digest_hmac_sha256(prk, sizeof(prk), text, (size_t)n, out);
}

enum err
peer_auth_new(struct peer_auth **out, const void *secret, size_t len)
{
	struct peer_auth *a;

	if (len < PEER_AUTH_SECRET_MIN)
		return EC_EINVAL;
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&a->lock, NULL);
	derive(a->request_key, secret, len, "ec request");
	derive(a->answer_key, secret, len, "ec answer");
	derive(a->body_key, secret, len, "ec body");
	a->id = uuid_new();
	while (a->epoch == 0)
		os_random(&a->epoch, sizeof(a->epoch));
	*out = a;
	return EC_OK;
}

void
peer_auth_free(struct peer_auth *a)
{
	struct sender *s;

	if (a == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while ((s = a->buckets[i]) != NULL) {
			a->buckets[i] = s->next;
			free(s);
		}
	pthread_mutex_destroy(&a->lock);
	free(a->ca_path);
	free(a);
}

enum err
peer_auth_tls(struct peer_auth *a, const char *ca_path)
{
	a->tls = true;
	if (ca_path == NULL)
		return EC_OK;
	free(a->ca_path);
	a->ca_path = strdup(ca_path);
	return a->ca_path != NULL ? EC_OK : EC_ENOMEM;
}

bool
peer_auth_has_tls(const struct peer_auth *a, const char **ca_path)
{
	*ca_path = a->ca_path;
	return a->tls;
}

static void
request_mac(const struct peer_auth *a, const struct request *r,
    const char *method, const char *target, uint8_t mac[DIGEST_SHA256_BYTES])
{
	char id[UUID_TEXT_BYTES], digest[2 * DIGEST_SHA256_BYTES + 1];
	char text[TEXT_MAX];
	int n;

	uuid_text(id, &r->sender);
	num_hex(digest, r->digest, sizeof(r->digest));
	n = snprintf(text, sizeof(text), "ec-request-1\n%s\n%s\n%s\n%" PRIu64
	    "\n%" PRIu64 "\n%016" PRIx64 "\n%s\n", method, target, id,
	    r->number, r->stamp_us, r->epoch, digest);
	/* A target of HTTP_TARGET_MAX bytes fits; none that is cut may pass. */
	if (n < 0 || (size_t)n >= sizeof(text))
		os_random(mac, DIGEST_SHA256_BYTES);
	else
		digest_hmac_sha256(a->request_key, KEY_BYTES, text, (size_t)n,
		    mac);
}

/* Of ${what} that belongs to the request ${of}: of its bytes' digest and, each
 * with its line feed, of what else is to be bound. */
static void
bound_mac(const uint8_t key[KEY_BYTES], const char *what,
    const struct peer_auth_mac *of, const char *bound,
    const uint8_t digest[DIGEST_SHA256_BYTES],
    uint8_t mac[DIGEST_SHA256_BYTES])
{
	char request[2 * DIGEST_SHA256_BYTES + 1];
	char body[2 * DIGEST_SHA256_BYTES + 1], text[256];
	int n;

	num_hex(request, of->b, sizeof(of->b));
	num_hex(body, digest, DIGEST_SHA256_BYTES);
	n = snprintf(text, sizeof(text), "ec-%s-1\n%s\n%s%s\n", what, request,
	    bound, body);
	digest_hmac_sha256(key, KEY_BYTES, text, (size_t)n, mac);
}

static void
answer_mac(const struct peer_auth *a, const struct peer_auth_mac *of,
    unsigned status, uint64_t epoch,
    const uint8_t digest[DIGEST_SHA256_BYTES],
    uint8_t mac[DIGEST_SHA256_BYTES])
{
	char bound[32];

	snprintf(bound, sizeof(bound), "%u\n%016" PRIx64 "\n", status, epoch);
	bound_mac(a->answer_key, "answer", of, bound, digest, mac);
}

void
peer_auth_sign(struct peer_auth *a, uint64_t now_us, uint64_t epoch,
    const char *method, const char *target,
    const uint8_t digest[DIGEST_SHA256_BYTES],
    char value[PEER_AUTH_VALUE_MAX], struct peer_auth_mac *mac)
{
	struct request r = { .sender = a->id, .stamp_us = now_us,
	    .number = atomic_fetch_add(&a->number, 1) + 1, .epoch = epoch };
	char id[UUID_TEXT_BYTES], digest_hex[2 * DIGEST_SHA256_BYTES + 1];
	char mac_hex[2 * DIGEST_SHA256_BYTES + 1];

	memcpy(r.digest, digest, sizeof(r.digest));
	request_mac(a, &r, method, target, mac->b);
	uuid_text(id, &r.sender);
	num_hex(digest_hex, r.digest, sizeof(r.digest));
	num_hex(mac_hex, mac->b, sizeof(mac->b));
	snprintf(value, PEER_AUTH_VALUE_MAX, "1 %s %" PRIu64 " %" PRIu64
	    " %016" PRIx64 " %s %s", id, r.number, r.stamp_us, r.epoch,
	    digest_hex, mac_hex);
}

/* Cut ${text} at blanks into exactly ${n} words. */
static enum err
split(char *text, char *word[], unsigned n)
{
	char *end;

	for (unsigned i = 0; i < n; i++) {
		word[i] = text;
		if ((end = strchr(text, ' ')) == NULL)
			return i + 1 == n ? EC_OK : EC_EINVAL;
		*end = '\0';
		text = end + 1;
	}
	return EC_EINVAL;
}

static enum err
parse_epoch(uint64_t *out, const char *text)
{
	uint8_t b[8];

	if (num_unhex(b, sizeof(b), text) != EC_OK)
		return EC_EINVAL;
	*out = 0;
	for (unsigned i = 0; i < sizeof(b); i++)
		*out = *out << 8 | b[i];
	return EC_OK;
}

static enum err
parse_request(struct request *r, const char *value)
{
	char text[PEER_AUTH_VALUE_MAX], *w[7];

	if (value == NULL || strlen(value) >= sizeof(text))
		return EC_EINVAL;
	strcpy(text, value);
	if (split(text, w, 7) != EC_OK || strcmp(w[0], "1") != 0 ||
	    uuid_parse(&r->sender, w[1]) != EC_OK ||
	    num_parse(&r->number, w[2], 1, UINT64_MAX) != EC_OK ||
	    num_parse(&r->stamp_us, w[3], 0, INT64_MAX) != EC_OK ||
	    parse_epoch(&r->epoch, w[4]) != EC_OK ||
	    num_unhex(r->digest, sizeof(r->digest), w[5]) != EC_OK ||
	    num_unhex(r->mac, sizeof(r->mac), w[6]) != EC_OK)
		return EC_EINVAL;
	return EC_OK;
}

enum err
peer_auth_check_answer(const struct peer_auth *a,
    const struct peer_auth_mac *mac, unsigned status,
    const uint8_t digest[DIGEST_SHA256_BYTES], const char *value,
    uint64_t *epoch)
{
	uint8_t want[DIGEST_SHA256_BYTES], got[DIGEST_SHA256_BYTES];
	char text[PEER_AUTH_VALUE_MAX], *w[3];
	uint64_t theirs;

	if (value == NULL || strlen(value) >= sizeof(text))
		return EC_EDENIED;
	strcpy(text, value);
	if (split(text, w, 3) != EC_OK || strcmp(w[0], "1") != 0 ||
	    parse_epoch(&theirs, w[1]) != EC_OK ||
	    num_unhex(got, sizeof(got), w[2]) != EC_OK)
		return EC_EDENIED;
	answer_mac(a, mac, status, theirs, digest, want);
	if (!digest_equal(want, got, sizeof(want)))
		return EC_EDENIED;
	*epoch = theirs;
	return EC_OK;
}

static struct sender **
bucket_of(struct peer_auth *a, const struct uuid *id)
{
	return &a->buckets[(id->b[0] | id->b[1] << 8) % BUCKETS];
}

/* Forget the sender who was silent the longest. */
static void
forget_one(struct peer_auth *a)
{
	struct sender **oldest = NULL, **p, *s;

	for (unsigned i = 0; i < BUCKETS; i++)
		for (p = &a->buckets[i]; *p != NULL; p = &(*p)->next)
			if (oldest == NULL ||
			    (*p)->stamp_us < (*oldest)->stamp_us)
				oldest = p;
	if (oldest == NULL)
		return;
	s = *oldest;
	*oldest = s->next;
	if (s->stamp_us > a->floor_us)
		a->floor_us = s->stamp_us;
	a->senders--;
	free(s);
}

/* NULL when it is new and may not be, or without memory. */
static struct sender *
sender_get(struct peer_auth *a, const struct request *r)
{
	struct sender **head = bucket_of(a, &r->sender), *s;

	for (s = *head; s != NULL; s = s->next)
		if (uuid_equal(&s->id, &r->sender))
			return s;
	if (a->senders >= PEER_AUTH_SENDERS_MAX)
		forget_one(a);
	if (r->stamp_us <= a->floor_us ||
	    (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->id = r->sender;
	s->next = *head;
	*head = s;
	a->senders++;
	return s;
}

/* Accept number ${n} of ${s} if it was not seen and is not too old. */
static bool
number_fresh(struct sender *s, uint64_t n)
{
	uint64_t *word = &s->seen[n % PEER_AUTH_WINDOW / 64];
	uint64_t bit = UINT64_C(1) << n % 64, i;

	if (n > s->top) {
		/* the numbers between have not been seen */
		for (i = n - s->top < PEER_AUTH_WINDOW ? s->top + 1 :
		    n - PEER_AUTH_WINDOW + 1; i < n; i++)
			s->seen[i % PEER_AUTH_WINDOW / 64] &=
			    ~(UINT64_C(1) << i % 64);
		s->top = n;
		*word |= bit;
		return true;
	}
	if (s->top - n >= PEER_AUTH_WINDOW || (*word & bit) != 0)
		return false;
	*word |= bit;
	return true;
}

/* May ${r} be heeded as far as its sender and number go?  Errors: EC_ESTALE,
 * EC_EDENIED; *${why} is set when it is worth a message. */
static enum err
check_number(struct peer_auth *a, const struct request *r, const char **why)
{
	enum err e = EC_OK;
	struct sender *s;

	pthread_mutex_lock(&a->lock);
	if ((s = sender_get(a, r)) == NULL) {
		*why = "an unknown sender with an old time stamp";
		e = EC_EDENIED;
	} else if (!number_fresh(s, r->number)) {
		/* Its thread may just have slept while others sent. */
		if (s->top - r->number < PEER_AUTH_WINDOW)
			*why = "a message that was sent before";
		e = EC_ESTALE;
	} else if (r->stamp_us > s->stamp_us) {
		s->stamp_us = r->stamp_us;
	}
	pthread_mutex_unlock(&a->lock);
	return e;
}

void
peer_auth_refused(struct peer_auth *a, const char *from, const char *why)
{
	uint64_t now = clock_mono_us();
	unsigned more = 0;
	bool tell;

	pthread_mutex_lock(&a->lock);
	tell = a->logged_us == 0 || now - a->logged_us >= LOG_EVERY_US;
	if (tell) {
		a->logged_us = now;
		more = a->unlogged;
		a->unlogged = 0;
	} else {
		a->unlogged++;
	}
	pthread_mutex_unlock(&a->lock);
	if (tell && more > 0)
		log_warn("refused a request from %s: %s (and %u more since the "
		    "last such message)", from, why, more);
	else if (tell)
		log_warn("refused a request from %s: %s", from, why);
}

static const char *
skewed(uint64_t now_us, uint64_t stamp_us, char *buf, size_t len)
{
	bool ahead = stamp_us > now_us;
	uint64_t by = ahead ? stamp_us - now_us : now_us - stamp_us;

	if (by <= PEER_AUTH_SKEW_S * UINT64_C(1000000))
		return NULL;
	snprintf(buf, len, "its clock is %" PRIu64 " s %s ours; at most %d s "
	    "are allowed", by / 1000000, ahead ? "ahead of" : "behind",
	    PEER_AUTH_SKEW_S);
	return buf;
}

enum err
peer_auth_check(struct peer_auth *a, uint64_t now_us, const char *method,
    const char *target, const char *value, const char *from,
    uint8_t digest[DIGEST_SHA256_BYTES], struct peer_auth_mac *mac)
{
	const char *why = NULL;
	enum err e = EC_EDENIED;
	struct request r;
	char buf[128];

	if (parse_request(&r, value) != EC_OK) {
		why = value == NULL ? "it is not signed: has the sender a "
		    "secret?" : "its " PEER_AUTH_HEADER " header is malformed";
	} else {
		request_mac(a, &r, method, target, mac->b);
		if (!digest_equal(mac->b, r.mac, sizeof(r.mac)))
			why = "it is signed with another secret, or was "
			    "changed on its way";
		else
			why = skewed(now_us, r.stamp_us, buf, sizeof(buf));
	}
	if (why == NULL && r.epoch != a->epoch)
		return EC_ESTALE;
	if (why == NULL)
		e = check_number(a, &r, &why);
	if (why != NULL)
		peer_auth_refused(a, from, why);
	if (e == EC_OK)
		memcpy(digest, r.digest, sizeof(r.digest));
	return e;
}

void
peer_auth_answer(const struct peer_auth *a, const struct peer_auth_mac *mac,
    unsigned status, const uint8_t digest[DIGEST_SHA256_BYTES],
    char value[PEER_AUTH_VALUE_MAX])
{
	uint8_t out[DIGEST_SHA256_BYTES];
	char hex[2 * DIGEST_SHA256_BYTES + 1];

	answer_mac(a, mac, status, a->epoch, digest, out);
	num_hex(hex, out, sizeof(out));
	snprintf(value, PEER_AUTH_VALUE_MAX, "1 %016" PRIx64 " %s", a->epoch,
	    hex);
}

const uint8_t *
peer_auth_body_key(const struct peer_auth *a)
{
	return a->body_key;
}

void
peer_auth_body(const struct peer_auth *a, const struct peer_auth_mac *mac,
    const uint8_t digest[DIGEST_SHA256_BYTES],
    uint8_t out[DIGEST_SHA256_BYTES])
{
	bound_mac(a->request_key, "body", mac, "", digest, out);
}

void
peer_auth_piece(const struct peer_auth *a, const struct peer_auth_mac *mac,
    unsigned number, const uint8_t digest[DIGEST_SHA256_BYTES],
    uint8_t out[DIGEST_SHA256_BYTES])
{
	char bound[16];

	snprintf(bound, sizeof(bound), "%u\n", number);
	bound_mac(a->answer_key, "piece", mac, bound, digest, out);
}
