/* rig: see the header. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "codec/encode.h"
#include "set/get.h"
#include "set/placement.h"
#include "set/put.h"

#define MUST(x) must((x), #x, __FILE__, __LINE__)

static void
must(bool good, const char *what, const char *file, int line)
{
	if (good)
		return;
	printf("Bail out! %s:%d: %s\n", file, line, what);
	fflush(stdout);
	abort();
}

void
rig_restart(struct rig *r)
{
	struct lane *lane[SET_DRIVES_MAX];
	char name[16];

	set_free(r->set);
	for (unsigned i = 0; i < r->n; i++) {
		struct drive *d = memory_disk_drive(r->disk[i]);

		snprintf(name, sizeof name, "/d%u", i);
		MUST(d != NULL);
		MUST(lane_new(&lane[i], d, name) == EC_OK);
	}
	MUST(set_new(&r->set, lane, r->n, (int)r->m, r->pool,
	    r->pool) == EC_OK);
}

void
rig_init(struct rig *r, unsigned n, unsigned m)
{
	char name[16];

	memset(r, 0, sizeof *r);
	r->n = n;
	r->m = m;
	MUST(mem_pool_new(&r->pool, (size_t)STRIPE_UNIT_DEFAULT * 16,
	    64 << 20) == EC_OK);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof name, "/d%u", i);
		MUST((r->disk[i] = memory_disk_new(name)) != NULL);
	}
	rig_restart(r);
}

void
rig_release(struct rig *r)
{
	set_free(r->set);
	for (unsigned i = 0; i < r->n; i++)
		memory_disk_free(r->disk[i]);
	mem_pool_free(r->pool);
}

void
rig_detach(struct rig *r, unsigned i)
{
	lane_detach(set_lane(r->set, i));
}

void
rig_attach(struct rig *r, unsigned i)
{
	struct drive *d = memory_disk_drive(r->disk[i]);

	MUST(d != NULL);
	if (lane_attach(set_lane(r->set, i), d) != EC_OK)
		drive_close(d);		/* it was not away */
}

void
rig_replace(struct rig *r, unsigned i)
{
	rig_detach(r, i);
	memory_disk_wipe(r->disk[i]);
	rig_attach(r, i);
}

void
rig_fill(uint8_t *buf, size_t size, unsigned seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf[i] = (uint8_t)(x >> 32);
	}
}

enum err
rig_put(struct rig *r, const char *key, size_t size, unsigned seed,
    bool null_version, struct stamp *version)
{
	struct put_params p = { .bucket = "bucket", .key = key, .size = size,
		.parity = -1, .null_version = null_version };
	struct object o = OBJECT_INIT;
	uint8_t *buf = malloc(size + 1);
	struct put *put = NULL;
	enum err e;

	MUST(buf != NULL);
	rig_fill(buf, size, seed);
	if ((e = put_open(&put, r->set, &p)) == EC_OK &&
	    (e = put_write(put, buf, size)) == EC_OK &&
	    (e = put_finish(put, NULL)) == EC_OK)
		e = put_commit(put, NULL, &o);
	if (e == EC_OK && version != NULL)
		*version = o.version;
	put_free(put);
	object_release(&o);
	free(buf);
	return e;
}

enum err
rig_get(struct rig *r, const char *key, const struct stamp *version,
    size_t size, unsigned seed)
{
	struct object o = OBJECT_INIT;
	uint8_t *want = malloc(size + 1), *got = malloc(size + 1);
	struct get *g = NULL;
	enum err e;

	MUST(want != NULL && got != NULL);
	rig_fill(want, size, seed);
	e = get_open(&g, &o, r->set, "bucket", key, version);
	if (e == EC_OK && g == NULL)
		e = EC_ENOTFOUND;	/* a marker */
	if (e == EC_OK && o.size != size)
		e = EC_ECORRUPT;
	if (e == EC_OK && (e = get_read(g, got, size, 0)) == EC_OK &&
	    memcmp(want, got, size) != 0)
		e = EC_ECORRUPT;
	get_free(g);
	object_release(&o);
	free(want);
	free(got);
	return e;
}

struct plant {
	struct drive *drive;
	struct drive_writer *w;
};

static enum err
plant_write(void *ctx, const void *buf, size_t len)
{
	struct plant *p = ctx;

	return p->drive->ops->shard_write(p->w, buf, len);
}

/* The record of shard ${index} to a drive. */
static void
plant_record(struct drive *d, struct record *rec, unsigned index)
{
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct drive_append a = { 0 };

	rec->index = (uint8_t)index;
	MUST(record_encode(&b, rec) == EC_OK);
	a.rec = b.data;
	a.len = b.len;
	MUST(d->ops->append(d, &a, 1) == EC_OK && a.err == EC_OK);
	buf_release(&b);
}

void
rig_plant(struct rig *r, const char *key, size_t size, unsigned seed,
    struct stamp *version, struct uuid *data)
{
	struct encode_params p = {
		.stripe = { r->n - r->m, r->m, STRIPE_UNIT_DEFAULT },
		.id = uuid_new(), .part = 1, .quorum = r->n, .md5 = true,
	};
	struct record_part part = { .number = 1, .size = size, .data = p.id,
		.k = (uint8_t)(r->n - r->m), .m = (uint8_t)r->m,
		.unit = STRIPE_UNIT_DEFAULT };
	struct record rec = { .kind = RECORD_OBJECT, .flags = RECORD_NULL,
		.stamp = stamp_new(), .bucket = "bucket", .key = key,
		.etag = "", .size = size, .k = part.k, .m = part.m,
		.start = (uint8_t)placement_start("bucket", key, r->n),
		.parts = &part, .part_count = 1 };
	struct plant at[SET_DRIVES_MAX];
	struct encode_sink sink[SET_DRIVES_MAX];
	struct shard_tail tail = { .bucket = "bucket", .key = key };
	uint8_t *buf = malloc(size);
	struct encode *enc;

	MUST(buf != NULL);
	rig_fill(buf, size, seed);
	for (unsigned i = 0; i < r->n; i++) {
		struct drive *d = memory_disk_drive(r->disk[
		    placement_drive(rec.start, i, r->n)]);

		at[i].drive = d;
		MUST(d->ops->shard_create(d, &p.id, i, 0, &at[i].w) == EC_OK);
		sink[i] = (struct encode_sink){ plant_write, &at[i] };
	}
	MUST(encode_new(&enc, &p, sink) == EC_OK);
	MUST(encode_write(enc, buf, size) == EC_OK);
	MUST(encode_finish(enc, &tail) == EC_OK);
	memcpy(part.md5, tail.md5, sizeof part.md5);
	for (unsigned i = 0; i < r->n; i++) {
		MUST(at[i].drive->ops->shard_commit(at[i].w) == EC_OK);
		plant_record(at[i].drive, &rec, i);
		drive_close(at[i].drive);
	}
	encode_free(enc);
	free(buf);
	*version = rec.stamp;
	*data = p.id;
}

static uint64_t
sum_record(uint64_t crc, const uint8_t *bytes, size_t len)
{
	struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct record_part *parts;
	struct record rec;

	MUST(record_decode(&rec, &parts, bytes, len) == EC_OK);
	rec.segment = rec.offset = 0;
	MUST(record_encode(&b, &rec) == EC_OK);
	crc = checksum_crc64nvme(crc, b.data, b.len);
	buf_release(&b);
	free(parts);
	return crc;
}

uint64_t
rig_sum(struct rig *r, unsigned i)
{
	struct drive_query q = { .want_inline = true, .want_parts = true,
		.limit = 10000 };
	static const enum drive_table tables[] = { DRIVE_VERSIONS,
		DRIVE_BUCKETS, DRIVE_UPLOADS, DRIVE_PARTS };
	struct drive *d = memory_disk_drive(r->disk[i]);
	uint64_t crc = 0;

	MUST(d != NULL);
	for (unsigned t = 0; t < 4; t++) {
		struct drive_records l = DRIVE_RECORDS_INIT;
		const uint8_t *bytes;
		size_t len;

		q.table = tables[t];
		MUST(d->ops->query(d, &q, &l) == EC_OK);
		for (size_t pos = 0; drive_records_next(&l, &pos, &bytes,
		    &len);)
			crc = sum_record(crc, bytes, len);
		buf_release(&l.buf);
	}
	for (unsigned j = 0; j < memory_disk_shards(r->disk[i]); j++) {
		struct drive_shard_info info;
		uint8_t *bytes = memory_disk_shard_at(r->disk[i], j, &info);

		crc = checksum_crc64nvme(crc, info.data.b, UUID_BYTES);
		crc = checksum_crc64nvme(crc, &info.index, sizeof info.index);
		crc = checksum_crc64nvme(crc, bytes, info.bytes);
	}
	drive_close(d);
	return crc;
}

void
rig_sums(struct rig *r, uint64_t sum[SET_DRIVES_MAX])
{
	for (unsigned i = 0; i < r->n; i++)
		sum[i] = rig_sum(r, i);
}

unsigned
rig_differ(struct rig *r, const uint64_t sum[SET_DRIVES_MAX])
{
	unsigned differ = 0;

	for (unsigned i = 0; i < r->n; i++)
		differ += rig_sum(r, i) != sum[i];
	return differ;
}
