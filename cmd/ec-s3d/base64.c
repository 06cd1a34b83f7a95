#include <string.h>

#include "base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(char *out, const uint8_t *in, size_t len)
{
	size_t i;
	uint32_t v;

	for (i = 0; i < len; i += 3) {
		v = (uint32_t)in[i] << 16;
		if (i + 1 < len)
			v |= (uint32_t)in[i + 1] << 8;
		if (i + 2 < len)
			v |= in[i + 2];
		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		*out++ = i + 1 < len ? alphabet[v >> 6 & 63] : '=';
		*out++ = i + 2 < len ? alphabet[v & 63] : '=';
	}
	*out = '\0';
}

static int
digit(char c)
{
	const char *p = c == '\0' ? NULL : strchr(alphabet, c);

	return p == NULL ? -1 : (int)(p - alphabet);
}

/* Strict: unused bits must be zero, so each value has one text. */
enum err
base64_decode(uint8_t *out, size_t len, const char *in)
{
	size_t i, n = strlen(in), chars = (len * 8 + 5) / 6;
	uint32_t bits = 0;
	unsigned held = 0;
	int d;

	if (n != BASE64_TEXT_BYTES(len) - 1)
		return EC_EINVAL;
	for (i = 0; i < chars; i++) {
		if ((d = digit(in[i])) < 0)
			return EC_EINVAL;
		bits = bits << 6 | (uint32_t)d;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*out++ = (uint8_t)(bits >> held);
			bits &= (1U << held) - 1;
		}
	}
	for (; i < n; i++)
		if (in[i] != '=')
			return EC_EINVAL;
	return bits == 0 ? EC_OK : EC_EINVAL;
}
