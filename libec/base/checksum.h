/* checksum: cyclic redundancy checks.  With codec/rs_isal.c the only user of
 * isa-l.
 *
 * All are in their usual reflected form with pre- and post-inversion; pass 0
 * to begin and the last result to go on.  crc32c is Castagnoli's, crc32 that of
 * IEEE 802.3. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t checksum_crc32c(uint32_t crc, const void *buf, size_t len);
uint32_t checksum_crc32(uint32_t crc, const void *buf, size_t len);

/* CRC-64/NVME: polynomial 0xad93d23594c93659, check value of "123456789"
 * ae8b14860a799888.  PCLMUL or VPCLMUL where the CPU has it. */
uint64_t checksum_crc64nvme(uint64_t crc, const void *buf, size_t len);

/* The kernel of checksum_crc64nvme here: "vpclmul", "pclmul" or "table". */
const char *checksum_crc64nvme_kernel(void);

#endif
