/* Checks of the CRCs against published check values and each crc64 kernel
 * against a bit-by-bit one, at every length 0..1024 and alignment. */
#include <stdlib.h>
#include <string.h>

#include "../lib/tap.h"
#include "base/checksum.h"
#include "base/crc64.h"

enum { LEN_MAX = 1024, ALIGNS = 64, LONG_BYTES = 100 * 1000 };

static uint64_t
slow_crc64(uint64_t reg, const uint8_t *p, size_t len)
{
	unsigned i;

	for (; len > 0; p++, len--)
		for (reg ^= *p, i = 0; i < 8; i++)
			reg = reg >> 1 ^
			    (reg & 1 ? UINT64_C(0x9a6c9329ac4bc9b5) : 0);
	return reg;
}

static void
check_kernel(const struct crc64_kernel *k, const uint8_t *data)
{
	static uint64_t want[LEN_MAX + 1];
	static _Alignas(64) uint8_t buf[ALIGNS + LEN_MAX];
	size_t len, align, bad = 0;

	if (!k->usable()) {
		tap_skip("crc64 %s: not on this CPU", k->name);
		return;
	}
	for (len = 0; len <= LEN_MAX; len++)
		want[len] = slow_crc64(len * 0x0123456789abcdef, data, len);
	for (align = 0; align < ALIGNS; align++) {
		memcpy(buf + align, data, LEN_MAX);
		for (len = 0; len <= LEN_MAX; len++)
			bad += k->update(len * 0x0123456789abcdef, buf + align,
			    len) != want[len];
	}
	tap_is_u64(bad, 0, "crc64 %s: all lengths, all alignments", k->name);
	tap_is_u64(k->update(7, data, LONG_BYTES),
	    slow_crc64(7, data, LONG_BYTES), "crc64 %s: long", k->name);
}

int
main(void)
{
	static const char nine[] = "123456789";
	uint8_t *data = malloc(LONG_BYTES);
	size_t i;

	if (data == NULL)
		return 1;
	for (i = 0; i < LONG_BYTES; i++)
		data[i] = (uint8_t)(i * i * 31 + i / 7);
	tap_is_u64(checksum_crc32c(0, nine, 9), 0xe3069283, "crc32c");
	tap_is_u64(checksum_crc32(0, nine, 9), 0xcbf43926, "crc32");
	tap_is_u64(checksum_crc64nvme(0, nine, 9),
	    UINT64_C(0xae8b14860a799888), "crc64nvme");
	tap_is_u64(checksum_crc32c(checksum_crc32c(0, nine, 4), nine + 4, 5),
	    0xe3069283, "crc32c in two");
	tap_is_u64(checksum_crc32(checksum_crc32(0, nine, 4), nine + 4, 5),
	    0xcbf43926, "crc32 in two");
	tap_is_u64(checksum_crc64nvme(checksum_crc64nvme(0, data, 777),
	    data + 777, LONG_BYTES - 777),
	    checksum_crc64nvme(0, data, LONG_BYTES), "crc64nvme in two");
	for (i = 0; i < crc64_kernel_count; i++)
		check_kernel(&crc64_kernels[i], data);
	tap_note("crc64nvme uses %s", checksum_crc64nvme_kernel());
	free(data);
	return tap_done();
}
