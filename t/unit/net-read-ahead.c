/* read_ahead: the same bytes in fewer requests; random reads as they are. */
#include <stdlib.h>
#include <string.h>

#include "../lib/tap.h"
#include "net/read_ahead.h"

enum { BYTES = 2000000, PIECE = 128 * 1024, MANY = 200 };

static uint8_t file[BYTES];
static unsigned fetches;
static size_t fetched;
static enum err failing;
static size_t damage = BYTES;

static enum err
fetch(void *ctx, void *buf, size_t len, uint64_t off)
{
	(void)ctx;
	fetches++;
	fetched += len;
	if (failing != EC_OK)
		return failing;
	if (off > BYTES || len > BYTES - off ||
	    (off <= damage && damage < off + len))
		return EC_ECORRUPT;
	memcpy(buf, file + off, len);
	return EC_OK;
}

static bool
reads(struct read_ahead *r, size_t len, uint64_t off)
{
	static uint8_t got[BYTES];

	return read_ahead_read(r, got, len, off) == EC_OK &&
	    memcmp(got, file + off, len) == 0;
}

static bool
reads_all(struct read_ahead *r, size_t from)
{
	size_t len;

	for (size_t at = from; at < BYTES; at += len) {
		len = BYTES - at < PIECE ? BYTES - at : PIECE;
		if (!reads(r, len, at))
			return false;
	}
	return true;
}

static void
test_order(void)
{
	struct read_ahead *r = NULL;
	uint8_t byte;

	tap_ok(read_ahead_new(&r, BYTES, fetch, NULL) == EC_OK, "new");
	tap_ok(reads(r, 100, BYTES - 100) && reads(r, 64, 0), "ends first");
	fetches = 0;
	fetched = 0;
	tap_ok(reads_all(r, 64), "in order");
	tap_is_u64(fetches, 2, "of 16 pieces so few requests");
	tap_is_u64(fetched, BYTES - 64, "nothing twice, nothing beyond");
	tap_ok(read_ahead_read(r, &byte, 1, BYTES) == EC_ECORRUPT,
	    "behind the end");
	fetches = 0;
	tap_ok(reads(r, 5000, 700000) && reads(r, 7, 3) &&
	    reads(r, PIECE, 400001), "here and there");
	tap_is_u64(fetches, 3, "as asked");
	tap_ok(reads(r, 900000, 500000) && reads(r, 600000, 1400000),
	    "more at once than is kept");
	read_ahead_free(r);
	read_ahead_free(NULL);
}

static void
test_known(void)
{
	struct read_ahead *r = NULL;

	read_ahead_new(&r, BYTES, fetch, NULL);
	tap_ok(read_ahead_end(r, file + BYTES - 5000, 5000) == EC_OK, "end");
	fetches = 0;
	fetched = 0;
	tap_ok(reads(r, 5000, BYTES - 5000) && reads(r, 7, BYTES - 7) &&
	    fetches == 0, "what is known is not fetched");
	tap_ok(reads(r, 5001, BYTES - 5001) && fetches == 1, "the rest is");
	fetches = 0;
	fetched = 0;
	read_ahead_expect(r, PIECE, 4 * PIECE);
	tap_ok(reads(r, 10, BYTES - 6000) && reads(r, PIECE, PIECE) &&
	    reads(r, PIECE, 2 * PIECE) && reads(r, PIECE, 3 * PIECE), "read");
	tap_is_u64(fetches, 2, "what is expected in one");
	tap_is_u64(fetched, 10 + 3 * PIECE, "and nothing beyond");
	read_ahead_expect(r, 0, 1000 * (uint64_t)BYTES);
	fetched = 0;
	tap_ok(reads_all(r, 0), "more than there is may be expected");
	tap_ok(fetched <= BYTES, "and is not fetched");
	read_ahead_free(r);
}

static void
test_failing(void)
{
	struct read_ahead *r = NULL;
	uint8_t got[PIECE];

	read_ahead_new(&r, BYTES, fetch, NULL);
	tap_ok(reads(r, PIECE, 0) && reads(r, PIECE, PIECE), "good");
	failing = EC_EOFFLINE;
	tap_ok(reads(r, PIECE, 2 * PIECE), "what is there needs nobody");
	tap_ok(read_ahead_peek(r, got, PIECE, 3 * PIECE) &&
	    memcmp(got, file + 3 * PIECE, PIECE) == 0, "nor a wait");
	tap_ok(!read_ahead_peek(r, got, PIECE, 10 * PIECE),
	    "what is not there is not to be had so");
	tap_ok(read_ahead_read(r, got, PIECE, 9 * PIECE) == EC_EOFFLINE &&
	    read_ahead_read(r, got, PIECE, 10 * PIECE) == EC_EOFFLINE,
	    "what is not fails");
	failing = EC_OK;
	tap_ok(reads_all(r, 0), "again");
	damage = 5 * PIECE;
	tap_ok(reads(r, PIECE, 3 * PIECE) && reads(r, PIECE, 4 * PIECE),
	    "what lies before damage is read");
	tap_ok(read_ahead_read(r, got, PIECE, 5 * PIECE) == EC_ECORRUPT &&
	    reads_all(r, 6 * PIECE), "and what lies behind");
	damage = BYTES;
	read_ahead_free(r);
}

static void
test_many(void)
{
	struct read_ahead *r[MANY] = { NULL };
	bool good = true;

	for (unsigned i = 0; i < MANY; i++) {
		read_ahead_new(&r[i], BYTES, fetch, NULL);
		good = good && reads(r[i], PIECE, 0) &&
		    reads(r[i], PIECE, PIECE);
	}
	fetches = 0;
	for (unsigned i = 0; i < MANY; i++)
		good = good && reads(r[i], PIECE, 2 * PIECE);
	tap_ok(good, "more files than there is memory for");
	tap_is_u64(fetches, MANY - READ_AHEAD_ALL / READ_AHEAD_MAX,
	    "those over it without");
	for (unsigned i = 0; i < MANY; i++)
		read_ahead_free(r[i]);
	read_ahead_new(&r[0], BYTES, fetch, NULL);
	fetches = 0;
	tap_ok(reads_all(r[0], 0) && fetches <= 5, "given back");
	read_ahead_free(r[0]);
}

int
main(void)
{
	for (size_t i = 0; i < BYTES; i++)
		file[i] = (uint8_t)(i * 31 + i / 251);
	test_order();
	test_known();
	test_failing();
	test_many();
	return tap_done();
}
