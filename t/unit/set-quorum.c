/* The quorums, for every number of drives and every parity. */
#include "../lib/tap.h"
#include "set/placement.h"
#include "set/quorum.h"
#include "set/set.h"

static void
quorums(void)
{
	unsigned bad = 0, cases = 0;

	for (unsigned n = 1; n <= SET_DRIVES_MAX; n++) {
		for (unsigned m = 0; m <= n / 2; m++) {
			unsigned k = n - m, w = quorum_write(k, m);
			struct record o = { .kind = RECORD_OBJECT,
				.k = (uint8_t)k, .m = (uint8_t)m };
			unsigned need = quorum_visible(&o, n);

			cases++;
			bad += w > n || w < need || w < k || need != k;
			bad += w < quorum_meta(n);	/* two writes meet */
			bad += need + 1 < w;	/* as commit has it */
			/* Acknowledged, then m drives away: never void. */
			for (unsigned away = 0; away <= m; away++)
				bad += w <= away || quorum_judge(w - away,
				    away, need) == QUORUM_VOID;
			/* All healthy drives had it: still to be read. */
			bad += quorum_judge(n - m, m, need) != QUORUM_DECIDED;
		}
	}
	tap_is_u64(bad, 0, "write quorums of %u geometries", cases);
	tap_is_u64(quorum_write(4, 2), 4, "4+2");
	tap_is_u64(quorum_write(2, 2), 3, "2+2");
	tap_is_u64(quorum_write(8, 4), 8, "8+4");
	tap_is_u64(quorum_write(6, 6), 7, "6+6");
}

static void
meta(void)
{
	struct record t = { .kind = RECORD_TOMBSTONE };
	unsigned bad = 0;

	for (unsigned n = 1; n <= SET_DRIVES_MAX; n++) {
		unsigned w = quorum_meta(n), need = quorum_visible(&t, n);

		bad += w > n || 2 * w <= n || need > w || need + 1 < w;
		/* A delete that is acknowledged is seen or suspected by any
		 * reader that could decide on anything. */
		for (unsigned away = 0; away + need <= n; away++)
			bad += w <= away ||
			    quorum_judge(w - away, away, need) == QUORUM_VOID;
	}
	tap_is_u64(bad, 0, "delete quorums of 1 to 16 drives");
}

static void
judge(void)
{
	unsigned bad = 0;

	for (unsigned c = 0; c <= 16; c++)
		for (unsigned u = 0; u + c <= 16; u++)
			for (unsigned need = 1; need <= 16; need++) {
				enum quorum_verdict v =
				    quorum_judge(c, u, need);

				bad += (v == QUORUM_DECIDED) != (c >= need);
				bad += (v == QUORUM_VOID) != (c + u < need);
			}
	tap_is_u64(bad, 0, "decided, possible, void");
}

static void
parity(void)
{
	unsigned bad = 0;

	for (unsigned n = 1; n <= 16; n++)
		for (unsigned m = 0; m <= n / 2; m++)
			for (unsigned off = 0; off <= n; off++) {
				unsigned p = quorum_parity(n, m, off);

				bad += p < m || p > n / 2 || (off > 0 &&
				    m < n / 2 && p == m) || p > m + off;
			}
	tap_is_u64(bad, 0, "parity is raised for drives that are out");
	tap_is_u64(quorum_parity(12, 4, 1), 5, "8+4, one out: 7+5");
	tap_is_u64(quorum_parity(12, 4, 3), 6, "8+4, three out: 6+6");
}

static void
results(void)
{
	static const struct {
		enum err r[4];
		unsigned need;
		enum err want;
	} t[] = {
		{ { EC_OK, EC_OK, EC_OK, EC_EIO }, 3, EC_OK },
		{ { EC_OK, EC_OK, EC_EIO, EC_EIO }, 3, EC_EIO },
		{ { EC_OK, EC_OK, EC_ENOSPC, EC_EIO }, 3, EC_EQUORUM },
		{ { EC_ENOSPC, EC_ENOSPC, EC_EIO, EC_EIO }, 3, EC_ENOSPC },
		{ { EC_OK, EC_OK, EC_EOFFLINE, EC_EOFFLINE }, 3, EC_EQUORUM },
		{ { EC_OK, EC_ETIMEDOUT, EC_ETIMEDOUT, EC_ETIMEDOUT }, 3,
		    EC_EQUORUM },
		{ { EC_ENOSPC, EC_ENOSPC, EC_ENOSPC, EC_EOFFLINE }, 3,
		    EC_ENOSPC },
		{ { EC_EROFS, EC_EROFS, EC_EROFS, EC_EROFS }, 3, EC_EROFS },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		tap_is_str(err_name(quorum_result(t[i].r, 4, t[i].need)),
		    err_name(t[i].want), "result of case %u", i);
}

static void
placement(void)
{
	struct uuid key;
	unsigned seen[16] = { 0 }, bad = 0;
	char name[32];

	for (unsigned i = 0; i < UUID_BYTES; i++)
		key.b[i] = (uint8_t)i;
	/* Values of another implementation, itself checked against the
	 * published vector for the message 00..0e. */
	tap_is_u64(placement_hash(&key, "bucket", "key"),
	    UINT64_C(0x3046ec9c4b6266a7), "hash of 10 bytes");
	tap_is_u64(placement_hash(&key, "abc", "defg"),
	    UINT64_C(0x57b2cff8f8c09ffb), "hash of 8 bytes");
	tap_is_u64(placement_hash(&key, "abcd",
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
	    UINT64_C(0x9f6087ed23e10317), "hash of 35 bytes");
	for (unsigned i = 0; i < 16000; i++) {
		snprintf(name, sizeof(name), "key-%u", i);
		seen[placement_set(&key, "bucket", name, 16)]++;
	}
	for (unsigned i = 0; i < 16; i++)
		bad += seen[i] < 850 || seen[i] > 1150;
	tap_is_u64(bad, 0, "16 sets get a sixteenth each");
	bad = 0;
	for (unsigned n = 1; n <= 16; n++)
		for (unsigned start = 0; start < n; start++)
			for (unsigned i = 0; i < n; i++)
				bad += placement_shard(start,
				    placement_drive(start, i, n), n) != i;
	tap_is_u64(bad, 0, "shard to drive and back");
}

int
main(void)
{
	quorums();
	meta();
	judge();
	parity();
	results();
	placement();
	return tap_done();
}
