#include "codec/matrix.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { POLY = 0x11d, GENERATOR = 2, ORDER = 255, SHARDS_MAX = 255 };

/* power[i] = 2^i, twice over, so that a sum of two logarithms needs no mod. */
static uint8_t power[2 * ORDER], logarithm[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fill(void)
{
	unsigned i, v = 1;

	for (i = 0; i < ORDER; i++) {
		power[i] = power[i + ORDER] = (uint8_t)v;
		logarithm[v] = (uint8_t)i;
		v *= GENERATOR;
		if (v > 255)
			v ^= POLY;
	}
}

static uint8_t
mul(uint8_t a, uint8_t b)
{
	return a == 0 || b == 0 ? 0 : power[logarithm[a] + logarithm[b]];
}

uint8_t
matrix_gf_mul(uint8_t a, uint8_t b)
{
	pthread_once(&once, fill);
	return mul(a, b);
}

uint8_t
matrix_gf_inv(uint8_t a)
{
	pthread_once(&once, fill);
	return power[ORDER - logarithm[a]];
}

/* to += f * from */
static void
row_add(uint8_t *to, const uint8_t *from, uint8_t f, unsigned n)
{
	unsigned i;

	for (i = 0; f != 0 && i < n; i++)
		to[i] ^= mul(f, from[i]);
}

static void
row_scale(uint8_t *row, uint8_t f, unsigned n)
{
	unsigned i;

	for (i = 0; f != 1 && i < n; i++)
		row[i] = mul(f, row[i]);
}

static void
row_swap(uint8_t *a, uint8_t *b, unsigned n)
{
	unsigned i;
	uint8_t t;

	for (i = 0; i < n; i++) {
		t = a[i];
		a[i] = b[i];
		b[i] = t;
	}
}

/* Gauss and Jordan: what turns ${in} into the identity turns the identity
 * into the inverse. */
enum err
matrix_invert(uint8_t *out, uint8_t *in, unsigned n)
{
	unsigned c, r;
	uint8_t f;

	pthread_once(&once, fill);
	memset(out, 0, (size_t)n * n);
	for (r = 0; r < n; r++)
		out[r * n + r] = 1;
	for (c = 0; c < n; c++) {
		for (r = c; r < n && in[r * n + c] == 0; r++)
			;
		if (r == n)
			return EC_EINVAL;
		if (r != c) {
			row_swap(in + r * n, in + c * n, n);
			row_swap(out + r * n, out + c * n, n);
		}
		f = matrix_gf_inv(in[c * n + c]);
		row_scale(in + c * n, f, n);
		row_scale(out + c * n, f, n);
		for (r = 0; r < n; r++) {
			f = in[r * n + c];
			if (r == c || f == 0)
				continue;
			row_add(in + r * n, in + c * n, f, n);
			row_add(out + r * n, out + c * n, f, n);
		}
	}
	return EC_OK;
}

static void
vandermonde(uint8_t *v, unsigned rows, unsigned k)
{
	unsigned r, c;
	uint8_t p;

	for (r = 0; r < rows; r++)
		for (p = 1, c = 0; c < k; c++) {	/* 0^0 is 1 */
			v[r * k + c] = p;
			p = mul(p, (uint8_t)r);
		}
}

enum err
matrix_systematic(uint8_t *out, unsigned k, unsigned m)
{
	uint8_t *v = NULL, *inverse = NULL;
	unsigned r, i;
	enum err e;

	if (k == 0 || k > SHARDS_MAX || m > SHARDS_MAX - k)
		return EC_EINVAL;
	pthread_once(&once, fill);
	v = mem_array(k + m, k);
	inverse = mem_array(k, k);
	if (v == NULL || inverse == NULL) {
		e = EC_ENOMEM;
		goto out;
	}
	/* The inverse needs a copy of the top to work on: out has the room. */
	vandermonde(out, k, k);
	if ((e = matrix_invert(inverse, out, k)) != EC_OK)
		goto out;
	vandermonde(v, k + m, k);
	memset(out, 0, (size_t)(k + m) * k);
	for (r = 0; r < k + m; r++)
		for (i = 0; i < k; i++)
			row_add(out + r * k, inverse + i * k, v[r * k + i], k);
out:
	free(inverse);
	free(v);
	return e;
}
