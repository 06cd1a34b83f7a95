#include "net/body_sum.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "codec/highway.h"

struct body_sum {
	struct digest *sha;
	uint8_t key[BODY_KEY_BYTES];
	size_t len;			/* of what is in the piece */
	uint8_t piece[BODY_PIECE_BYTES];
};

enum err
body_sum_new(struct body_sum **out, const uint8_t key[BODY_KEY_BYTES])
{
	struct body_sum *s = malloc(sizeof(*s));

	if (s == NULL)
		return EC_ENOMEM;
	s->len = 0;
	memcpy(s->key, key, sizeof(s->key));
	if (digest_new(&s->sha, DIGEST_SHA256) != EC_OK) {
		free(s);
		return EC_ENOMEM;
	}
	*out = s;
	return EC_OK;
}

void
body_sum_free(struct body_sum *s)
{
	if (s == NULL)
		return;
	digest_free(s->sha);
	free(s);
}

static void
add_piece(struct body_sum *s, const void *piece, size_t len)
{
	uint8_t sum[HIGHWAY_BYTES];

	highway_sum(sum, s->key, piece, len);
	digest_update(s->sha, sum, sizeof(sum));
}

void
body_sum_add(struct body_sum *s, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = BODY_PIECE_BYTES;
		if (s->len == 0 && len >= n) {
			add_piece(s, p, n);
			continue;
		}
		n = (size_t)num_min(n - s->len, len);
		memcpy(s->piece + s->len, p, n);
		s->len += n;
		if (s->len < BODY_PIECE_BYTES)
			continue;
		add_piece(s, s->piece, s->len);
		s->len = 0;
	}
}

void
body_sum_final(struct body_sum *s, uint8_t out[DIGEST_SHA256_BYTES])
{
	if (s->len > 0)
		add_piece(s, s->piece, s->len);
	digest_final(s->sha, out);
}

enum err
body_sum_once(const uint8_t key[BODY_KEY_BYTES], const void *buf, size_t len,
    uint8_t out[DIGEST_SHA256_BYTES])
{
	struct digest *sha;
	const uint8_t *p = buf;
	uint8_t sum[HIGHWAY_BYTES];
	size_t n;

	if (digest_new(&sha, DIGEST_SHA256) != EC_OK)
		return EC_ENOMEM;
	for (; len > 0; p += n, len -= n) {
		n = (size_t)num_min(len, BODY_PIECE_BYTES);
		highway_sum(sum, key, p, n);
		digest_update(sha, sum, sizeof(sum));
	}
	digest_final(sha, out);
	digest_free(sha);
	return EC_OK;
}
