#include "base/crc64.h"

#include <pthread.h>

#include "base/num.h"

#define POLY UINT64_C(0x9a6c9329ac4bc9b5)	/* bits reversed */

/* table[n][b]: the register after byte b and n zero bytes. */
static uint64_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static uint64_t
times_x(uint64_t v)
{
	return v >> 1 ^ (v & 1 ? POLY : 0);
}

static void
table_fill(void)
{
	unsigned b, i;
	uint64_t v;

	for (b = 0; b < 256; b++) {
		v = b;
		for (i = 0; i < 8; i++)
			v = times_x(v);
		table[0][b] = v;
	}
	for (i = 1; i < 8; i++)
		for (b = 0; b < 256; b++) {
			v = table[i - 1][b];
			table[i][b] = v >> 8 ^ table[0][v & 0xff];
		}
}

/* Eight bytes a step ("slicing by 8"). */
uint64_t
crc64_table(uint64_t reg, const uint8_t *p, size_t len)
{
	unsigned i;
	uint64_t v;

	pthread_once(&table_once, table_fill);
	for (; len >= 8; p += 8, len -= 8) {
		v = reg ^ le64_get(p);
		reg = 0;
		for (i = 0; i < 8; i++)
			reg ^= table[7 - i][v >> 8 * i & 0xff];
	}
	for (; len > 0; p++, len--)
		reg = reg >> 8 ^ table[0][(reg ^ *p) & 0xff];
	return reg;
}

uint64_t
crc64_power(unsigned n)
{
	uint64_t v = UINT64_C(1) << 63;	/* x^0 */

	while (n-- > 0)
		v = times_x(v);
	return v;
}
