/* matrix: coding matrices over GF(2^8), polynomial 0x11d.
 *
 * The systematic matrix is the Vandermonde matrix V[r][c] = r^c times the
 * inverse of its top square: its first k rows are the identity, and any k rows
 * are invertible for every k + m <= 255.  Byte-compatible with the widely used
 * Go codec (klauspost/reedsolomon, buildMatrix). */
#ifndef MATRIX_H
#define MATRIX_H

#include <stdint.h>

#include "base/err.h"

uint8_t matrix_gf_mul(uint8_t a, uint8_t b);
uint8_t matrix_gf_inv(uint8_t a);	/* a != 0 */

/* Fill ${out}, (k + m) rows of k bytes, row by row.
 * Errors: EC_EINVAL (k 0 or k + m > 255), EC_ENOMEM. */
enum err matrix_systematic(uint8_t *out, unsigned k, unsigned m);

/* ${out} = inverse of the n x n matrix ${in}, which is overwritten.
 * Errors: EC_EINVAL (singular). */
enum err matrix_invert(uint8_t *out, uint8_t *in, unsigned n);

#endif
