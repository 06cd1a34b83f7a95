#include "base/uuid.h"

#include <string.h>

#include "base/num.h"
#include "base/os_linux.h"

/* Bytes before each dash of the text form. */
static const uint8_t group[] = { 4, 2, 2, 2, 6 };

struct uuid
uuid_new(void)
{
	struct uuid u;

	os_random(u.b, sizeof(u.b));
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40);	/* version 4 */
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);	/* variant 10 */
	return u;
}

bool
uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool
uuid_is_zero(const struct uuid *u)
{
	static const struct uuid zero;

	return uuid_equal(u, &zero);
}

void
uuid_text(char out[UUID_TEXT_BYTES], const struct uuid *u)
{
	const uint8_t *p = u->b;
	size_t i;

	for (i = 0; i < sizeof(group); i++) {
		num_hex(out, p, group[i]);
		p += group[i];
		out += 2 * group[i];
		*out++ = '-';
	}
	out[-1] = '\0';
}

enum err
uuid_parse(struct uuid *out, const char *text)
{
	char hex[2 * UUID_BYTES + 1];
	size_t i, at = 0;

	for (i = 0; i < sizeof(group); i++) {
		if (strnlen(text, 2u * group[i]) < 2u * group[i])
			return EC_EINVAL;
		memcpy(hex + at, text, 2u * group[i]);
		at += 2u * group[i];
		text += 2 * group[i];
		if (*text != (i + 1 < sizeof(group) ? '-' : '\0'))
			return EC_EINVAL;
		text++;
	}
	hex[at] = '\0';
	return num_unhex(out->b, sizeof(out->b), hex);
}
