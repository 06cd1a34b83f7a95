/* mem: memory that is checked, aligned and counted. */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ${n} zeroed items of ${size}; NULL when that overflows or there is none. */
void *mem_array(size_t n, size_t size);

/* ${len} bytes at a multiple of ${align} (a power of two); free() it. */
void *mem_aligned(size_t len, size_t align);

/* A pool of equal buffers under a budget.  Freed buffers are kept and given
 * out again, because large malloc/free pairs cost 50 times as much. */
struct mem_pool;

/* Buffers of ${buf_bytes} at 4096-byte alignment, at most ${budget_bytes} in
 * all (at least one).  Threads: all calls.  Errors: EC_ENOMEM. */
enum err mem_pool_new(struct mem_pool **out, size_t buf_bytes,
    size_t budget_bytes);
/* One of the process, made when it is first asked for: *${at}, NULL before.
 * NULL: there is no memory. */
struct mem_pool *mem_pool_lasting(struct mem_pool *_Atomic *at,
    size_t buf_bytes, size_t budget_bytes);
/* It goes when all buffers are back: a call that hangs may keep one. */
void mem_pool_free(struct mem_pool *p);

/* A buffer with any content.  Waits at most ${wait_ms} for one to come back.
 * Errors: EC_EBUSY (budget spent), EC_ENOMEM. */
enum err mem_pool_get(struct mem_pool *p, uint8_t **out, unsigned wait_ms);
void mem_pool_put(struct mem_pool *p, uint8_t *buf);

#endif
