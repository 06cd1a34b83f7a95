/* Checks of matrix and rs against a slow GF(2^8) of the test's own, which
 * multiplies bit by bit; every loss pattern of every k + m up to 16. */
#include <pthread.h>
#include <stdlib.h>

#include "../lib/tap.h"
#include "base/num.h"
#include "codec/matrix.h"
#include "codec/rs.h"

enum { N_MAX = 16, LEN = 192, GUARD = 64 };

static uint8_t product[256][256], inverse_of[256];

static uint8_t
slow_mul(unsigned a, unsigned b)
{
	unsigned p = 0;

	for (; b > 0; b >>= 1) {
		if (b & 1)
			p ^= a;
		a = a << 1 ^ (a & 0x80 ? 0x11d : 0);
	}
	return (uint8_t)p;
}

static void
check_field(void)
{
	unsigned a, b, bad = 0;

	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			product[a][b] = slow_mul(a, b);
			if (product[a][b] == 1)
				inverse_of[a] = (uint8_t)b;
			bad += matrix_gf_mul((uint8_t)a, (uint8_t)b) !=
			    product[a][b];
		}
	for (a = 1; a < 256; a++)
		bad += matrix_gf_inv((uint8_t)a) != inverse_of[a];
	tap_is_u64(bad, 0, "all products and inverses");
}

/* xxhash64 with seed 0, byte by byte where speed does not matter. */
#define P1 UINT64_C(0x9e3779b185ebca87)
#define P2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define P3 UINT64_C(0x165667b19e3779f9)
#define P4 UINT64_C(0x85ebca77c2b2ae63)
#define P5 UINT64_C(0x27d4eb2f165667c5)

static uint64_t
rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static uint64_t
xx_round(uint64_t acc, uint64_t v)
{
	return rotl(acc + v * P2, 31) * P1;
}

static uint64_t
xxhash64(const uint8_t *p, size_t len)
{
	uint64_t acc[4] = { P1 + P2, P2, 0, 0 - P1 }, h = P5;
	size_t left = len;
	unsigned i;

	if (len >= 32) {
		for (; left >= 32; left -= 32, p += 32)
			for (i = 0; i < 4; i++)
				acc[i] = xx_round(acc[i], le64_get(p + 8 * i));
		h = rotl(acc[0], 1) + rotl(acc[1], 7) + rotl(acc[2], 12) +
		    rotl(acc[3], 18);
		for (i = 0; i < 4; i++)
			h = (h ^ xx_round(0, acc[i])) * P1 + P4;
	}
	h += len;
	for (; left >= 8; left -= 8, p += 8)
		h = rotl(h ^ xx_round(0, le64_get(p)), 27) * P1 + P4;
	for (; left >= 4; left -= 4, p += 4)
		h = rotl(h ^ le32_get(p) * P1, 23) * P2 + P3;
	for (; left > 0; left--, p++)
		h = rotl(h ^ *p * P5, 11) * P1;
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}

/* The shards of the bytes 0 .. 255, each after its index. */
static void
check_golden(unsigned k, unsigned m, uint64_t want)
{
	size_t piece = (256 + k - 1) / k, i;
	uint8_t *all = calloc(k + m, piece + 1);
	uint8_t *padded = calloc(k, piece), *shard[RS_SHARDS_MAX];
	struct rs *rs = NULL;

	if (all == NULL || padded == NULL || rs_new(&rs, k, m) != EC_OK) {
		tap_ok(false, "set up");
		goto out;
	}
	for (i = 0; i < 256; i++)
		padded[i] = (uint8_t)i;
	for (i = 0; i < k + m; i++) {
		all[i * (piece + 1)] = (uint8_t)i;
		shard[i] = all + i * (piece + 1) + 1;
		if (i < k)
			memcpy(shard[i], padded + i * piece, piece);
	}
	rs_encode(rs, shard, piece);
	tap_is_u64(xxhash64(all, (k + m) * (piece + 1)), want,
	    "golden %u+%u", k, m);
out:
	rs_free(rs);
	free(padded);
	free(all);
}

/* Gauss on a copy: whether the k rows that ${rows} has bits for are
 * independent. */
static bool
invertible(const uint8_t *matrix, unsigned k, unsigned rows)
{
	uint8_t a[N_MAX][N_MAX], f, t;
	unsigned i, n, c, r;

	for (i = n = 0; n < k; i++)
		if (rows >> i & 1)
			memcpy(a[n++], matrix + i * k, k);
	for (c = 0; c < k; c++) {
		for (r = c; r < k && a[r][c] == 0; r++)
			;
		if (r == k)
			return false;
		for (i = 0; r != c && i < k; i++) {
			t = a[c][i];
			a[c][i] = a[r][i];
			a[r][i] = t;
		}
		for (r = c + 1; r < k; r++) {
			f = product[a[r][c]][inverse_of[a[c][c]]];
			for (i = c; f != 0 && i < k; i++)
				a[r][i] ^= product[f][a[c][i]];
		}
	}
	return true;
}

struct work {
	uint8_t data[N_MAX][LEN];		/* as it must be */
	uint8_t room[N_MAX][LEN + GUARD];	/* as it is computed */
	uint8_t *shard[N_MAX];
};

/* The parity by definition, from the slow products. */
static void
slow_encode(struct work *w, const uint8_t *matrix, unsigned k, unsigned m)
{
	unsigned i, j, b;

	for (i = k; i < k + m; i++) {
		memset(w->data[i], 0, LEN);
		for (j = 0; j < k; j++)
			for (b = 0; b < LEN; b++)
				w->data[i][b] ^=
				    product[matrix[i * k + j]][w->data[j][b]];
	}
}

/* Lose what ${lost} has bits for, rebuild, compare all. */
static bool
rebuild_holds(struct work *w, const struct rs *rs, unsigned n, unsigned lost,
    size_t len)
{
	bool have[N_MAX], want[N_MAX];
	unsigned i;

	for (i = 0; i < n; i++) {
		have[i] = !(lost >> i & 1);
		want[i] = true;
		if (have[i])
			memcpy(w->room[i], w->data[i], len);
		else
			memset(w->room[i], 0xee, len);
		memset(w->room[i] + len, 0xdd, GUARD);
	}
	if (rs_rebuild(rs, w->shard, have, want, len) != EC_OK)
		return false;
	for (i = 0; i < n; i++) {
		if (memcmp(w->room[i], w->data[i], len) != 0)
			return false;
		if (w->room[i][len] != 0xdd ||
		    w->room[i][len + GUARD - 1] != 0xdd)
			return false;
	}
	return true;
}

static void
check_geometry(struct work *w, unsigned k, unsigned m)
{
	unsigned n = k + m, lost, kept, singular = 0, wrong = 0, i;
	uint8_t matrix[N_MAX * N_MAX];
	struct rs *rs = NULL;

	if (matrix_systematic(matrix, k, m) != EC_OK ||
	    rs_new(&rs, k, m) != EC_OK) {
		tap_ok(false, "%u+%u: set up", k, m);
		return;
	}
	slow_encode(w, matrix, k, m);
	for (i = 0; i < n; i++) {
		memset(w->room[i], 0, sizeof(w->room[i]));
		if (i < k)
			memcpy(w->room[i], w->data[i], LEN);
	}
	rs_encode(rs, w->shard, LEN);
	for (i = 0; i < n; i++)
		wrong += memcmp(w->room[i], w->data[i], LEN) != 0 ||
		    w->room[i][LEN] != 0;
	for (lost = 0; lost < 1u << n; lost++) {
		kept = ~lost & ((1u << n) - 1);
		if ((unsigned)__builtin_popcount(kept) == k &&
		    !invertible(matrix, k, kept))
			singular++;
		/* Each set is rebuilt; lengths take turns. */
		if ((unsigned)__builtin_popcount(lost) <= m && lost != 0 &&
		    !rebuild_holds(w, rs, n, lost, 1 + lost % 97))
			wrong++;
	}
	if (singular > 0 || wrong > 0)
		tap_ok(false, "%u+%u: %u singular, %u wrong", k, m, singular,
		    wrong);
	rs_free(rs);
}

/* The matrices are the same for all kernels: one run up to N_MAX will do. */
static void
check_all_geometries(unsigned n_max)
{
	static struct work w;
	unsigned k, m, i, b, before = tap_failures;
	uint32_t r = 20261122;

	for (i = 0; i < N_MAX; i++) {
		w.shard[i] = w.room[i];
		for (b = 0; b < LEN; b++) {
			r = r * 1664525 + 1013904223;
			w.data[i][b] = (uint8_t)(r >> 24);
		}
	}
	for (k = 1; k <= n_max; k++)
		for (m = 0; k + m <= n_max; m++)
			check_geometry(&w, k, m);
	tap_ok(tap_failures == before, "every loss pattern of every k + m up "
	    "to %u: invertible, and rebuilt", n_max);
}

/* Every length 0 .. 1024 and several alignments, long ones across columns. */
static void
check_lengths(void)
{
	enum { K = 5, M = 3, LONG = 100 * 1000 };
	static uint8_t room[K + M][LONG + 64], want[K + M][LONG];
	uint8_t matrix[(K + M) * K], *shard[K + M];
	struct rs *rs;
	size_t len, align, b, wrong = 0;
	unsigned i, j;

	if (rs_new(&rs, K, M) != EC_OK ||
	    matrix_systematic(matrix, K, M) != EC_OK)
		return;
	for (i = 0; i < K; i++)
		for (b = 0; b < LONG; b++)
			want[i][b] = (uint8_t)(b * (i + 3) + (b >> 8));
	memset(want[K], 0, sizeof(want[K]) * M);
	for (i = K; i < K + M; i++)
		for (j = 0; j < K; j++)
			for (b = 0; b < LONG; b++)
				want[i][b] ^=
				    product[matrix[i * K + j]][want[j][b]];
	for (align = 0; align < 64; align += 7)
		for (len = 1; len <= 1024; len++) {
			for (i = 0; i < K + M; i++) {
				shard[i] = room[i] + (align * (i + 1)) % 64;
				shard[i][len] = 0x5a;
				if (i < K)
					memcpy(shard[i], want[i], len);
			}
			rs_encode(rs, shard, len);
			for (i = 0; i < K + M; i++)
				wrong += memcmp(shard[i], want[i], len) != 0 ||
				    shard[i][len] != 0x5a;
		}
	tap_is_u64(wrong, 0, "all lengths to 1024 at any address");
	for (i = 0; i < K + M; i++) {
		shard[i] = room[i] + 3;
		if (i < K)
			memcpy(shard[i], want[i], LONG);
	}
	rs_encode(rs, shard, LONG);
	for (i = wrong = 0; i < K + M; i++)
		wrong += memcmp(shard[i], want[i], LONG) != 0;
	tap_is_u64(wrong, 0, "a long one, by columns");
	rs_free(rs);
}

/* More survivor sets than the cache keeps, over and over; 200 + 55. */
static void
check_cache_and_wide(void)
{
	enum { K = 200, M = 55, L = 64 };
	static uint8_t room[K + M][L], copy[K + M][L];
	uint8_t *shard[K + M];
	bool have[K + M], want[K + M];
	struct rs *rs;
	unsigned i, round, lost, wrong = 0;

	if (!tap_ok(rs_new(&rs, K, M) == EC_OK, "200+55"))
		return;
	for (i = 0; i < K + M; i++) {
		shard[i] = room[i];
		memset(room[i], (int)(i * 37), L);
		room[i][i % L] = (uint8_t)i;
	}
	rs_encode(rs, shard, L);
	memcpy(copy, room, sizeof(room));
	for (round = 0; round < 100; round++) {
		for (i = 0; i < K + M; i++) {
			have[i] = true;
			want[i] = true;
		}
		for (lost = 0; lost < (round == 99 ? M : 2); lost++) {
			i = (round % 80 * 3 + lost * 4) % (K + M);
			have[i] = false;
			memset(room[i], 0, L);
		}
		wrong += rs_rebuild(rs, shard, have, want, L) != EC_OK;
		wrong += memcmp(copy, room, sizeof(room)) != 0;
	}
	tap_is_u64(wrong, 0, "100 survivor sets");
	for (i = 0; i < K + M; i++)
		have[i] = i < K - 1;
	tap_ok(rs_rebuild(rs, shard, have, want, L) == EC_EQUORUM &&
	    memcmp(copy, room, sizeof(room)) == 0, "too few: nothing changes");
	rs_free(rs);
}

enum { T_K = 6, T_M = 3, T_LEN = 4096, T_THREADS = 4, T_ROUNDS = 400 };

struct rebuilder {
	const struct rs *rs;
	const uint8_t (*whole)[T_LEN];
	uint32_t seed;
	unsigned wrong;
	pthread_t thread;
};

/* Rebuild sets chosen at random, of which there are more than are cached. */
static void *
rebuild_often(void *arg)
{
	struct rebuilder *t = arg;
	uint8_t room[T_K + T_M][T_LEN], *shard[T_K + T_M];
	bool have[T_K + T_M], want[T_K + T_M];
	unsigned round, i, lost;

	for (i = 0; i < T_K + T_M; i++) {
		shard[i] = room[i];
		want[i] = true;
	}
	for (round = 0; round < T_ROUNDS; round++) {
		for (i = lost = 0; i < T_K + T_M; i++) {
			t->seed = t->seed * 1664525 + 1013904223;
			have[i] = lost == T_M || t->seed >> 30 != 0;
			lost += !have[i];
			memcpy(room[i], t->whole[have[i] ? i : 0], T_LEN);
		}
		t->wrong += rs_rebuild(t->rs, shard, have, want, T_LEN) !=
		    EC_OK || memcmp(room, t->whole, sizeof(room)) != 0;
	}
	return NULL;
}

static void
check_threads(void)
{
	static uint8_t whole[T_K + T_M][T_LEN];
	struct rebuilder t[T_THREADS];
	uint8_t *shard[T_K + T_M];
	const struct rs *rs;
	unsigned i, b, wrong = 0;

	if (!tap_ok(rs_shared(&rs, T_K, T_M) == EC_OK, "shared"))
		return;
	for (i = 0; i < T_K + T_M; i++) {
		shard[i] = whole[i];
		for (b = 0; b < T_LEN; b++)
			whole[i][b] = (uint8_t)(b * (2 * i + 1) + (b >> 7));
	}
	rs_encode(rs, shard, T_LEN);
	for (i = 0; i < T_THREADS; i++) {
		t[i] = (struct rebuilder){ .rs = rs, .seed = i,
		    .whole = (const uint8_t (*)[T_LEN])whole };
		if (pthread_create(&t[i].thread, NULL, rebuild_often, &t[i]))
			exit(1);
	}
	for (i = 0; i < T_THREADS; i++) {
		pthread_join(t[i].thread, NULL);
		wrong += t[i].wrong;
	}
	tap_is_u64(wrong, 0, "%d threads share a coder", T_THREADS);
}

static void
check_refusals(void)
{
	struct rs *rs = NULL;
	const struct rs *a, *b;
	uint8_t zero[4] = { 1, 1, 1, 1 }, out[4];

	tap_ok(rs_new(&rs, 0, 1) == EC_EINVAL, "k 0");
	tap_ok(rs_new(&rs, 255, 1) == EC_EINVAL, "256 shards");
	tap_ok(rs_new(&rs, 1, 4294967295u) == EC_EINVAL, "no overflow");
	tap_ok(rs_shared(&a, 4, 2) == EC_OK && rs_shared(&b, 4, 2) == EC_OK &&
	    a == b, "shared is made once");
	tap_ok(matrix_invert(out, zero, 2) == EC_EINVAL, "singular");
}

static void
check_kernel(const char *name, unsigned n_max)
{
	if (!rs_force(name)) {
		tap_skip("%s: not on this CPU", name);
		return;
	}
	tap_note("%s", rs_kernel());
	check_golden(2, 2, UINT64_C(0x23fb21be2496f5d3));
	check_golden(4, 2, UINT64_C(0x62b9552945504fef));
	check_golden(4, 4, UINT64_C(0x09a07581dcd03da8));
	check_golden(6, 2, UINT64_C(0x7ed133de5ca6a58e));
	check_golden(8, 4, UINT64_C(0x03ba5e9b41bf07f0));
	check_all_geometries(n_max);
	check_lengths();
	check_cache_and_wide();
}

int
main(void)
{
	static const char *const kernels[] = {
#if defined(__x86_64__)
		"avx512+gfni", "avx2",
#endif
		"isa-l",
	};
	size_t i;

	check_field();
	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		check_kernel(kernels[i], 11);
	rs_force(NULL);
	check_all_geometries(N_MAX);
	check_threads();
	check_refusals();
	tap_note("rs uses %s here", rs_kernel());
	return tap_done();
}
