/* heal-parity: shard files whose hashes hold but which do not belong together
 * are found by a deep look, and the right ones of them are kept. */
#include <stdlib.h>
#include <string.h>

#include "../lib/rig.h"
#include "../lib/tap.h"
#include "base/digest.h"
#include "codec/encode.h"
#include "set/heal.h"
#include "set/placement.h"

enum { N = 6, M = 2, K = N - M, SIZE = 900001, FILE_MAX = 512 * 1024 };

struct file {
	uint8_t bytes[FILE_MAX];
	size_t len;
};

static struct file file[N];

static enum err
take(void *ctx, const void *buf, size_t len)
{
	struct file *f = ctx;

	if (len > FILE_MAX - f->len)
		return EC_ELIMIT;
	memcpy(f->bytes + f->len, buf, len);
	f->len += len;
	return EC_OK;
}

/* The shard files of the object with a byte wrong in each of the first two;
 * they say all else that the right ones say. */
static bool
forge(const struct uuid *data)
{
	const struct encode_params p = {
		.stripe = { K, M, STRIPE_UNIT_DEFAULT }, .id = *data,
		.part = 1, .quorum = N,
	};
	struct shard_tail tail = { .bucket = "bucket", .key = "key" };
	struct encode_sink sink[N];
	uint8_t *buf = malloc(SIZE);
	struct encode *enc = NULL;
	bool good = buf != NULL;

	rig_fill(buf, SIZE, 7);
	digest_once(DIGEST_MD5, buf, SIZE, tail.md5);
	buf[0] ^= 1;
	buf[STRIPE_UNIT_DEFAULT] ^= 1;
	for (unsigned i = 0; i < N; i++) {
		file[i].len = 0;
		sink[i] = (struct encode_sink){ take, &file[i] };
	}
	good = good && encode_new(&enc, &p, sink) == EC_OK &&
	    encode_write(enc, buf, SIZE) == EC_OK &&
	    encode_finish(enc, &tail) == EC_OK;
	encode_free(enc);
	free(buf);
	return good;
}

static void
seen(void *ctx, const struct heal_report *r)
{
	*(struct heal_report *)ctx = *r;
}

static unsigned
drive_of(unsigned shard)
{
	return placement_drive(placement_start("bucket", "key", N), shard, N);
}

/* Put the forged files of ${mask} in place of the right ones: all of them, and
 * only they, are found. */
static void
run(uint32_t mask, enum err want)
{
	struct heal_report rep = { .drives = 0 };
	const struct heal_watch watch = { .each = seen, .ctx = &rep };
	const unsigned deep = HEAL_DRY | HEAL_DEEP;
	uint64_t sum[SET_DRIVES_MAX];
	struct stamp version;
	struct uuid data;
	struct rig r;
	bool exact = true;
	enum err e;

	rig_init(&r, N, M);
	rig_plant(&r, "key", SIZE, 7, &version, &data);
	rig_sums(&r, sum);
	tap_ok(heal_key(r.set, "bucket", "key", NULL, deep, NULL) == EC_OK &&
	    forge(&data), "whole");
	for (unsigned i = 0; i < N; i++) {
		size_t len;
		uint8_t *at = memory_disk_shard(r.disk[drive_of(i)], &data, i,
		    &len);

		tap_ok(at != NULL && len == file[i].len, "shard %u", i);
		if ((mask >> i & 1) != 0 && at != NULL)
			memcpy(at, file[i].bytes, len);
	}
	e = heal_key(r.set, "bucket", "key", NULL, deep, &watch);
	tap_ok(e == want, "files %#x are wrong: %s", mask, err_name(e));
	if (want == EC_EDEGRADED) {
		for (unsigned i = 0; i < N; i++)
			exact = exact && (rep.before[drive_of(i)] ==
			    HEAL_CORRUPT) == ((mask >> i & 1) != 0);
		tap_ok(exact, "and only they are called so");
		tap_ok(heal_key(r.set, "bucket", "key", NULL, HEAL_DEEP,
		    NULL) == EC_OK && rig_differ(&r, sum) == 0,
		    "they are healed to the same bytes");
	}
	rig_release(&r);
}

int
main(void)
{
	run(1u << 4, EC_EDEGRADED);
	run(3u << 4, EC_EDEGRADED);
	run(1u, EC_EDEGRADED);
	run(1u | 1u << 4, EC_EDEGRADED);
	/* Nothing is right without one of them: nothing is touched. */
	run(3u, EC_EQUORUM);
	return tap_done();
}
