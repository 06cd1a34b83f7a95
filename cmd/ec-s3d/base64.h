/* base64: RFC 4648 section 4.  Pure. */
#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Characters for ${len} bytes, with the NUL. */
#define BASE64_TEXT_BYTES(len) (((len) + 2) / 3 * 4 + 1)

/* ${out} takes BASE64_TEXT_BYTES(len). */
void base64_encode(char *out, const uint8_t *in, size_t len);

/* Exactly ${len} bytes out of all of ${in}, padding included.
 * Errors: EC_EINVAL. */
enum err base64_decode(uint8_t *out, size_t len, const char *in);

#endif
