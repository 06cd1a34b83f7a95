/* num: numbers in memory, on disk and in text. */
#ifndef NUM_H
#define NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Little-endian fields of disk and wire formats; any alignment. */
static inline void
le16_put(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
le32_put(uint8_t *p, uint32_t v)
{
	le16_put(p, (uint16_t)v);
	le16_put(p + 2, (uint16_t)(v >> 16));
}

static inline void
le64_put(uint8_t *p, uint64_t v)
{
	le32_put(p, (uint32_t)v);
	le32_put(p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t
le16_get(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
le32_get(const uint8_t *p)
{
	return le16_get(p) | (uint32_t)le16_get(p + 2) << 16;
}

static inline uint64_t
le64_get(const uint8_t *p)
{
	return le32_get(p) | (uint64_t)le32_get(p + 4) << 32;
}

/* ${v} rounded up to a multiple of ${unit} (> 0); the caller knows that it
 * does not overflow. */
static inline uint64_t
num_round_up(uint64_t v, uint64_t unit)
{
	return (v + unit - 1) / unit * unit;
}

static inline uint64_t
num_div_up(uint64_t v, uint64_t unit)
{
	return v / unit + (v % unit != 0);
}

static inline uint64_t
num_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Parse all of ${s} as a decimal of digits only, within [min, max].
 * Errors: EC_EINVAL; then *${out} is unchanged. */
enum err num_parse(uint64_t *out, const char *s, uint64_t min, uint64_t max);

/* The same with a unit: 64K 1M 1MiB 10G 1T (1024), 1kB 1MB 1GB (1000). */
enum err num_parse_size(uint64_t *out, const char *s, uint64_t min,
    uint64_t max);

/* "1.5 GiB", one decimal, in ${buf} of ${len} bytes (16 do); returns it. */
const char *num_size_text(char *buf, size_t len, uint64_t bytes);

/* Lower-case hex of ${len} bytes; ${out} takes 2 * len + 1 characters. */
void num_hex(char *out, const uint8_t *in, size_t len);

/* The reverse; exactly 2 * ${len} hex digits, either case, then NUL.
 * Errors: EC_EINVAL. */
enum err num_unhex(uint8_t *out, size_t len, const char *in);

#endif
