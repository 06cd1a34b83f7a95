/* overlap: a stream through two threads, one that fills buffers and one that
 * empties them. */
#ifndef OVERLAP_H
#define OVERLAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ${fill} puts up to ${cap} bytes into ${buf} and sets *len; 0 is the end.
 * It runs in a thread of its own and may be canceled in a system call that is
 * a cancellation point; it holds no lock and nothing to be freed there. */
typedef enum err overlap_fill(void *ctx, uint8_t *buf, size_t cap,
    size_t *len);
typedef enum err overlap_drain(void *ctx, const uint8_t *buf, size_t len);

/* Move all that ${fill} gives to ${drain}, in order, by buffers of
 * ${buf_bytes}, of which there are three; drain runs in the caller's thread.
 * What was filled before fill failed is drained.
 * Errors: drain's, at once; fill's; EC_ENOMEM. */
enum err overlap_run(size_t buf_bytes, overlap_fill *fill,
    overlap_drain *drain, void *ctx);

#endif
