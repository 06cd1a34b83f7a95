/* rs_kernel: what multiplies shards by a matrix over GF(2^8); rs.h chooses.
 *
 * isa-l is the portable one and knows many CPUs.  Ours are faster where there
 * is AVX2 or more (libec/DESIGN has the figures): isa-l 2.30 loads each table
 * for each 32 bytes, ours for 64, and it does not know GFNI. */
#ifndef RS_KERNEL_H
#define RS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RS_COEFFICIENT_BYTES = 32,	/* of table for each, at most */
	RS_BLOCK_BYTES = 64,		/* lengths are multiples of it */
	RS_PREFETCH_BYTES = 1024,	/* ahead, into the second level */
};

struct rs_kernel {
	const char *name;
	bool (*usable)(void);	/* by this CPU */

	/* Fill ${tables}, k * rows * RS_COEFFICIENT_BYTES at 64-byte
	 * alignment, for ${rows} rows of ${k} coefficients. */
	void (*prepare)(uint8_t *tables, const uint8_t *coefficients,
	    unsigned k, unsigned rows);

	/* dst[0 .. rows) = tables times src[0 .. k), each ${len} bytes. */
	void (*multiply)(const uint8_t *tables, uint8_t *const src[],
	    unsigned k, uint8_t *const dst[], unsigned rows, size_t len);
};

extern const struct rs_kernel rs_gfni;
extern const struct rs_kernel rs_avx2;
extern const struct rs_kernel rs_isal;

/* The instruction set that isa-l uses here, "isa-l avx2", and its version as
 * built against, "2.30.0". */
const char *rs_isal_set(void);
const char *rs_isal_version(void);

#endif
