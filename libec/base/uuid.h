/* uuid: 16 random bytes with a text form (RFC 9562 version 4). */
#ifndef UUID_H
#define UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { UUID_BYTES = 16, UUID_TEXT_BYTES = 37 };	/* with the NUL */

struct uuid {
	uint8_t b[UUID_BYTES];
};

/* Fresh from the kernel's generator; cannot fail after boot. */
struct uuid uuid_new(void);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_zero(const struct uuid *u);
void uuid_text(char out[UUID_TEXT_BYTES], const struct uuid *u);
enum err uuid_parse(struct uuid *out, const char *text);	/* EC_EINVAL */

#endif
