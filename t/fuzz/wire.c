/* A message that is accepted is exactly what would be written for what it
 * says.  The first byte chooses the message; its checksum is put right, or no
 * input would ever get past it. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/num.h"
#include "net/wire.h"

#define CHECK(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void
same(const struct buf *out, const uint8_t *in, size_t len)
{
	CHECK(out->len == len && memcmp(out->data, in, len) == 0);
}

static void
append(struct buf *out, const uint8_t *in, size_t len)
{
	struct drive_append a[WIRE_APPENDS_MAX];
	unsigned n;

	if (wire_append_decode(a, &n, in, len) != EC_OK)
		return;
	CHECK(wire_append_encode(out, a, n) == EC_OK);
	same(out, in, len);
}

static void
results(struct buf *out, const uint8_t *in, size_t len)
{
	struct drive_append a[8] = { { .len = 0 } }, b[8] = { { .len = 0 } };
	unsigned n = (unsigned)(len / 25);

	if (n > 8 || wire_results_decode(a, n, in, len) != EC_OK)
		return;
	/* Unknown names become EC_EIO, so only what they mean must hold. */
	CHECK(wire_results_encode(out, a, n) == EC_OK && out->len == len);
	CHECK(wire_results_decode(b, n, out->data, out->len) == EC_OK);
	for (unsigned i = 0; i < n; i++)
		CHECK(a[i].err == b[i].err && a[i].hlc == b[i].hlc &&
		    a[i].err < EC_ERR_COUNT);
}

static void
query(struct buf *out, const uint8_t *in, size_t len)
{
	struct wire_query *q = malloc(sizeof(*q));

	if (q != NULL && wire_query_decode(q, in, len) == EC_OK) {
		CHECK(q->q.limit >= 1 && q->q.limit <= 10000);
		CHECK(wire_query_encode(out, &q->q) == EC_OK);
		same(out, in, len);
	}
	free(q);
}

static void
records(struct buf *out, const uint8_t *in, size_t len)
{
	struct drive_records l = DRIVE_RECORDS_INIT;
	size_t pos = 0, n, all = 0;
	const uint8_t *rec;

	if (wire_records_decode(&l, in, len) == EC_OK) {
		while (drive_records_next(&l, &pos, &rec, &n))
			all += 4 + n;
		CHECK(all == l.buf.len);
		CHECK(wire_records_encode(out, &l) == EC_OK);
		same(out, in, len);
	}
	buf_release(&l.buf);
}

static void
list(struct buf *out, const uint8_t *in, size_t len)
{
	struct drive_shard_info s[16];
	struct uuid after;
	unsigned max, n;

	if (wire_list_decode(&after, &max, in, len) == EC_OK) {
		CHECK(wire_list_encode(out, &after, max) == EC_OK);
		same(out, in, len);
		out->len = 0;
	}
	if (wire_shards_decode(s, 16, &n, in, len) == EC_OK) {
		CHECK(n <= 16 && wire_shards_encode(out, s, n) == EC_OK);
		same(out, in, len);
	}
}

static void
numbers(struct buf *out, const uint8_t *in, size_t len)
{
	uint64_t v[8];
	unsigned n = (unsigned)(len / 8);

	if (n > 8 || wire_numbers_decode(v, n, in, len) != EC_OK)
		return;
	CHECK(wire_numbers_encode(out, v, n) == EC_OK);
	same(out, in, len);
}

/* The parts of a batch have no checksum of their own. */
static void
asked(struct buf *out, const uint8_t *in, size_t len)
{
	struct wire_part p;
	size_t pos = 0, from;

	while (wire_asked_next(&p, in, len, &pos) == EC_OK) {
		CHECK(pos <= len && p.message >= in && p.len <= len &&
		    p.message + p.len <= in + len);
		from = out->len;
		CHECK(wire_asked_begin(out, &p) == EC_OK);
		CHECK(buf_add(out, p.message, p.len) == EC_OK);
		wire_asked_end(out, from);
	}
	if (pos > 0)
		same(out, in, pos);
}

static void
said(struct buf *out, const uint8_t *in, size_t len)
{
	struct wire_part p, again;

	if (wire_said_decode(&p, in, len) != EC_OK)
		return;
	CHECK(p.message + p.len == in + len && p.err < EC_ERR_COUNT);
	CHECK(wire_said_begin(out, p.number, p.err) == EC_OK);
	CHECK(out->len + p.len == len);
	CHECK(wire_said_decode(&again, out->data, out->len) == EC_OK);
	CHECK(again.number == p.number && again.err == p.err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static void (*const messages[])(struct buf *, const uint8_t *,
	    size_t) = { append, results, query, records, list, numbers,
	    asked, said };
	struct buf out = BUF_INIT(WIRE_MESSAGE_MAX);
	uint8_t *copy;

	if (len < 1)
		return 0;
	/* A copy of the exact size, so that a byte too far is seen. */
	if ((copy = malloc(len - 1 + 4)) == NULL)
		return 0;
	memcpy(copy, in + 1, len - 1);
	le32_put(copy + len - 1, checksum_crc32c(0, copy, len - 1));
	messages[in[0] % 8](&out, copy, len - 1 + 4);
	buf_release(&out);
	free(copy);
	return 0;
}
