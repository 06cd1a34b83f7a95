/* rs: Reed-Solomon coding of shards in memory.
 *
 * GF(2^8), polynomial 0x11d, systematic; the coding matrix is matrix.h's.
 * AVX-512 with GFNI, AVX2, or what isa-l has for this CPU, chosen at run
 * time; all give the same bytes. */
#ifndef RS_H
#define RS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Lengths that are multiples of RS_ALIGN_BYTES at such addresses are fastest;
 * any are right. */
enum { RS_SHARDS_MAX = 255, RS_ALIGN_BYTES = 64 };

struct rs;	/* one (k, m); any number of threads may share it */

/* Make a coder for ${k} data and ${m} parity shards: 1 <= k, k + m <= 255.
 * *${out} is the caller's, to rs_free, if and only if EC_OK.
 * Errors: EC_EINVAL, EC_ENOMEM. */
enum err rs_new(struct rs **out, unsigned k, unsigned m);
void rs_free(struct rs *rs);

/* The process's shared coder for (k, m), made on first use and kept; never
 * free it.  Errors: as rs_new. */
enum err rs_shared(const struct rs **out, unsigned k, unsigned m);

/* Compute shard[k .. k+m) from shard[0 .. k).  Every shard is ${len} bytes
 * (1 .. INT_MAX); none may overlap.  Cannot fail. */
void rs_encode(const struct rs *rs, uint8_t *const shard[], size_t len);

/* Recompute in place each shard i with want[i] && !have[i]; others are only
 * read, and of those with have[i] the first k.  Decode tables are cached by
 * the set of survivors.
 * Errors: EC_EQUORUM (fewer than k present), EC_ENOMEM; no byte is changed
 * then. */
enum err rs_rebuild(const struct rs *rs, uint8_t *const shard[],
    const bool have[], const bool want[], size_t len);

/* The kernel that rs_new takes here: "avx512+gfni", "avx2", or isa-l's, such
 * as "isa-l neon".  rs_force(name) makes later rs_new take another ("isa-l"
 * for any of its) for tests and benchmarks; NULL goes back; false if this CPU
 * has it not. */
const char *rs_kernel(void);
bool rs_force(const char *name);

#endif
