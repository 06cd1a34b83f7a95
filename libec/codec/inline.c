/* encode_inline and decode_inline: small objects that need no files. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/bitrot.h"
#include "codec/decode.h"
#include "codec/encode.h"
#include "codec/rs.h"

enum err
encode_inline(const struct stripe *s, const void *buf, size_t len,
    uint8_t *out, uint8_t sums[][BITROT_SUM_BYTES])
{
	uint8_t *piece[RS_SHARDS_MAX], *sum[RS_SHARDS_MAX];
	const struct rs *rs;
	size_t piece_len;
	enum err e;

	if (stripe_valid(s) != EC_OK || len == 0 ||
	    len > (size_t)s->k * s->unit)
		return EC_EINVAL;
	if ((e = rs_shared(&rs, s->k, s->m)) != EC_OK)
		return e;
	piece_len = stripe_piece_bytes(s, len);
	for (unsigned i = 0; i < s->k + s->m; i++) {
		piece[i] = out + i * piece_len;
		sum[i] = sums[i];
	}
	memcpy(out, buf, len);
	memset(out + len, 0, s->k * piece_len - len);
	rs_encode(rs, piece, piece_len);
	bitrot_sum_shards(sum, (const uint8_t *const *)piece, s->k + s->m,
	    piece_len, piece_len);
	return EC_OK;
}

/* The first k good pieces, data first: in ${piece} where they lie; one more
 * shard is looked at only when one before it is missing or bad. */
static unsigned
choose(const struct stripe *s, size_t piece_len, const uint8_t *const given[],
    const uint8_t (*const sums[])[BITROT_SUM_BYTES], uint8_t *piece[],
    bool have[], bool bad[])
{
	unsigned good = 0;

	for (unsigned i = 0; i < s->k + s->m; i++) {
		piece[i] = NULL;
		have[i] = bad[i] = false;
		if (given[i] == NULL || good == s->k)
			continue;
		bad[i] = !bitrot_check(*sums[i], given[i], piece_len);
		have[i] = !bad[i];
		good += have[i];
		piece[i] = (uint8_t *)(uintptr_t)given[i];
	}
	return good;
}

enum err
decode_inline(const struct stripe *s, void *buf, size_t len,
    const uint8_t *const given[],
    const uint8_t (*const sums[])[BITROT_SUM_BYTES], bool bad[])
{
	bool have[RS_SHARDS_MAX], want[RS_SHARDS_MAX] = { false };
	uint8_t *piece[RS_SHARDS_MAX], *scratch = NULL;
	size_t piece_len = stripe_piece_bytes(s, len);
	const struct rs *rs;
	unsigned missing = 0;
	enum err e;

	if (choose(s, piece_len, given, sums, piece, have, bad) < s->k)
		return EC_EQUORUM;
	for (unsigned i = 0; i < s->k; i++)
		missing += want[i] = !have[i];
	if (missing > 0) {
		scratch = mem_aligned(missing * piece_len, RS_ALIGN_BYTES);
		if (scratch == NULL)
			return EC_ENOMEM;
		for (unsigned i = 0, n = 0; i < s->k; i++)
			if (want[i])
				piece[i] = scratch + n++ * piece_len;
		if ((e = rs_shared(&rs, s->k, s->m)) != EC_OK ||
		    (e = rs_rebuild(rs, piece, have, want, piece_len)) !=
		    EC_OK)
			goto out;
	}
	e = EC_OK;
	for (size_t i = 0, at = 0; at < len; i++, at += piece_len)
		memcpy((uint8_t *)buf + at, piece[i],
		    num_min(piece_len, len - at));
out:
	free(scratch);
	return e;
}
