/* heal_parity: shard files whose hashes hold but which are not of one code
 * word, as when a machine computed wrong.  The data is that whose MD5 is the
 * part's. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/num.h"
#include "set/heal_shard_impl.h"

enum { CHUNK_BYTES = 1024 * 1024 };

struct match {		/* a sink: what should be in a parity file */
	struct heal_shards *h;
	unsigned index;
	uint8_t *buf;		/* what is */
	size_t have, at;
	uint64_t off;		/* in the file, of the end of buf */
	bool differs, unknown;
};

static enum err
match_fill(struct match *m)
{
	uint64_t bytes = heal_file_bytes(m->h->file[m->index]);

	m->at = 0;
	m->have = (size_t)num_min(CHUNK_BYTES, bytes - m->off);
	if (m->have == 0) {
		m->differs = true;
		return EC_ECORRUPT;
	}
	if (heal_shards_pread(m->h, m->index, m->buf, m->have, m->off) !=
	    EC_OK) {
		m->unknown = true;
		return EC_ECORRUPT;
	}
	m->off += m->have;
	return EC_OK;
}

static enum err
match_write(void *ctx, const void *buf, size_t len)
{
	const uint8_t *want = buf;
	struct match *m = ctx;
	size_t n;

	for (; len > 0; len -= n, want += n, m->at += n) {
		if (m->at == m->have && match_fill(m) != EC_OK)
			return EC_ECORRUPT;
		n = (size_t)num_min(len, m->have - m->at);
		if (memcmp(want, m->buf + m->at, n) == 0)
			continue;
		m->differs = true;
		return EC_ECORRUPT;
	}
	return EC_OK;
}

static bool
match_ended(const struct match *m)
{
	return !m->differs && !m->unknown && m->at == m->have &&
	    m->off == heal_file_bytes(m->h->file[m->index]);
}

/* Headers of data files are what a decoder does not look at. */
static bool
headers_hold(struct decode *d, unsigned k)
{
	uint64_t off;

	for (unsigned i = 0; i < k; i++)
		if (decode_probe(d, i, &off) != EC_OK)
			return false;
	return true;
}

bool
heal_parity_holds(struct heal_shards *h, bool differ[])
{
	unsigned k = h->part->k;
	struct encode_sink sink[SET_DRIVES_MAX] = { { 0 } };
	struct match match[SET_DRIVES_MAX] = { { 0 } };
	struct heal_source from[SET_DRIVES_MAX];
	struct decode *d = NULL;
	bool holds = false;

	memset(differ, 0, SET_DRIVES_MAX * sizeof *differ);
	if (heal_shards_good(h) < h->n || k == h->n ||
	    heal_shards_decoder(h, from, 0, &d) != EC_OK)
		return false;
	for (unsigned i = k; i < h->n; i++) {
		match[i] = (struct match){ .h = h, .index = i,
			.buf = malloc(CHUNK_BYTES) };
		sink[i] = (struct encode_sink){ match_write, &match[i] };
		if (match[i].buf == NULL)
			goto out;
	}
	holds = decode_rebuild(d, sink) == EC_OK && headers_hold(d, k);
	for (unsigned i = k; i < h->n; i++) {
		holds = holds && match_ended(&match[i]);
		differ[i] = match[i].differs;
	}
	holds = holds && heal_shards_good(h) == h->n;
out:
	for (unsigned i = k; i < h->n; i++)
		free(match[i].buf);
	decode_free(d);
	return holds;
}

/* Whether the data read without the files of ${skip} is the part's. */
static enum err
is_data(struct heal_shards *h, uint32_t skip, bool *is)
{
	struct heal_source from[SET_DRIVES_MAX];
	uint8_t md5[DIGEST_MD5_BYTES], *buf = malloc(CHUNK_BYTES);
	struct decode *d = NULL;
	struct digest *sum = NULL;
	uint64_t left = h->part->size, n;
	enum err e;

	*is = false;
	if (buf == NULL)
		return EC_ENOMEM;
	if ((e = digest_new(&sum, DIGEST_MD5)) != EC_OK ||
	    (e = heal_shards_decoder(h, from, skip, &d)) != EC_OK)
		goto out;
	for (; left > 0 && e == EC_OK; left -= n) {
		n = num_min(left, CHUNK_BYTES);
		e = decode_read(d, buf, (size_t)n, h->part->size - left);
		digest_update(sum, buf, (size_t)n);
	}
	digest_final(sum, md5);
	*is = e == EC_OK && memcmp(md5, h->part->md5, sizeof md5) == 0;
out:
	decode_free(d);
	digest_free(sum);
	free(buf);
	return e == EC_ENOMEM ? e : EC_OK;
}

/* Without which data file, and perhaps one parity file, the data is right. */
static enum err
find_wrong(struct heal_shards *h, uint32_t *wrong)
{
	unsigned k = h->part->k;
	bool is = false;
	enum err e = EC_OK;

	for (unsigned i = 0; i < k && !is && e == EC_OK; i++) {
		*wrong = UINT32_C(1) << i;
		e = is_data(h, *wrong, &is);
		for (unsigned j = k; j + 1 < h->n && !is && e == EC_OK; j++) {
			*wrong = UINT32_C(1) << i | UINT32_C(1) << j;
			e = is_data(h, *wrong, &is);
		}
	}
	return e != EC_OK || is ? e : EC_EQUORUM;
}

enum err
heal_parity_blame(struct heal_shards *h, const bool differ[])
{
	uint32_t wrong = 0;
	bool is;
	enum err e;

	for (unsigned i = h->part->k; i < h->n; i++)
		wrong |= (uint32_t)differ[i] << i;
	if (wrong == 0)
		return EC_OK;
	if (!record_part_has_md5(h->part))
		return EC_EQUORUM;
	if ((e = is_data(h, 0, &is)) != EC_OK ||
	    (!is && (e = find_wrong(h, &wrong)) != EC_OK))
		return e;
	for (unsigned i = 0; i < h->n; i++)
		if ((wrong >> i & 1) != 0)
			heal_shards_fault(h, i, EC_ECORRUPT);
	return EC_OK;
}
