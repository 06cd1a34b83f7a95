#include "base/num.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Digits at ${s} into *${out}; returns what follows, NULL when there are none
 * or too many. */
static const char *
digits(uint64_t *out, const char *s)
{
	uint64_t v = 0;
	unsigned d;

	if (!isdigit((unsigned char)*s))
		return NULL;
	for (; isdigit((unsigned char)*s); s++) {
		d = (unsigned)(*s - '0');
		if (v > (UINT64_MAX - d) / 10)
			return NULL;
		v = v * 10 + d;
	}
	*out = v;
	return s;
}

enum err
num_parse(uint64_t *out, const char *s, uint64_t min, uint64_t max)
{
	uint64_t v;

	if ((s = digits(&v, s)) == NULL || *s != '\0' || v < min || v > max)
		return EC_EINVAL;
	*out = v;
	return EC_OK;
}

/* The factor that a unit's name stands for; 0 for an unknown one. */
static uint64_t
unit_factor(const char *s)
{
	static const char *const binary[] = { "K", "M", "G", "T" };
	static const char *const ibyte[] = { "KiB", "MiB", "GiB", "TiB" };
	static const char *const decimal[] = { "kB", "MB", "GB", "TB" };
	uint64_t two = 1, ten = 1;
	size_t i;

	if (*s == '\0')
		return 1;
	for (i = 0; i < 4; i++) {
		two *= 1024;
		ten *= 1000;
		if (strcmp(s, binary[i]) == 0 || strcmp(s, ibyte[i]) == 0)
			return two;
		if (strcmp(s, decimal[i]) == 0)
			return ten;
	}
	return 0;
}

enum err
num_parse_size(uint64_t *out, const char *s, uint64_t min, uint64_t max)
{
	uint64_t v, tenths = 0, factor;

	if ((s = digits(&v, s)) == NULL)
		return EC_EINVAL;
	if (s[0] == '.' && isdigit((unsigned char)s[1])) {	/* 1.5T */
		tenths = (uint64_t)(s[1] - '0');
		s += 2;
		if (*s == '\0')
			return EC_EINVAL;
	}
	if ((factor = unit_factor(s)) == 0 || v > (UINT64_MAX >> 1) / factor)
		return EC_EINVAL;
	v = v * factor + tenths * factor / 10;
	if (v < min || v > max)
		return EC_EINVAL;
	*out = v;
	return EC_OK;
}

const char *
num_size_text(char *buf, size_t len, uint64_t bytes)
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB",
		"PiB", "EiB" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf, len, "%u B", (unsigned)bytes);
		return buf;
	}
	/* 1023.95 would be printed as 1024.0 */
	for (; v >= 1023.95 && i < 5; i++)
		v /= 1024;
	snprintf(buf, len, "%.1f %s", v, unit[i]);
	return buf;
}

void
num_hex(char *out, const uint8_t *in, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digit[in[i] >> 4];
		*out++ = digit[in[i] & 15];
	}
	*out = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err
num_unhex(uint8_t *out, size_t len, const char *in)
{
	int hi, lo;
	size_t i;

	for (i = 0; i < len; i++) {
		if ((hi = hex_value(in[2 * i])) < 0 ||
		    (lo = hex_value(in[2 * i + 1])) < 0)
			return EC_EINVAL;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return in[2 * len] == '\0' ? EC_OK : EC_EINVAL;
}
