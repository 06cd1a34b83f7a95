/* crc64: the kernels of CRC-64/NVME; checksum.h chooses among them.
 *
 * Reflected, polynomial 0xad93d23594c93659.  The kernels work on the raw
 * register: the caller inverts before and after.  Folding with carry-less
 * multiplication: Gopal et al., "Fast CRC Computation for Generic Polynomials
 * Using PCLMULQDQ Instruction", Intel, 2009. */
#ifndef CRC64_H
#define CRC64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crc64_kernel {
	const char *name;
	bool (*usable)(void);	/* by this CPU */
	uint64_t (*update)(uint64_t reg, const uint8_t *p, size_t len);
};

/* Fastest first; the last one, "table", is usable everywhere. */
extern const struct crc64_kernel crc64_kernels[];
extern const size_t crc64_kernel_count;

uint64_t crc64_table(uint64_t reg, const uint8_t *p, size_t len);

/* The reflected form of x^n mod the polynomial, n >= 0: the folding kernels'
 * constants. */
uint64_t crc64_power(unsigned n);

#endif
