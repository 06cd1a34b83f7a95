/* Checks of what turns values into text and back: num, uuid, clock, err and
 * buf. */
#include <errno.h>

#include "../lib/tap.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "base/uuid.h"

static void
check_numbers(void)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1",
		"18446744073709551616", "1.0", "9", "21" };
	uint64_t v = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(num_parse(&v, bad[i], 10, 20) == EC_EINVAL && v == 7,
		    "refuses '%s'", bad[i]);
	tap_ok(num_parse(&v, "10", 10, 20) == EC_OK && v == 10, "takes min");
	tap_ok(num_parse(&v, "20", 10, 20) == EC_OK && v == 20, "takes max");
	tap_ok(num_parse(&v, "18446744073709551615", 0, UINT64_MAX) == EC_OK &&
	    v == UINT64_MAX, "takes the largest");
}

static void
check_sizes(void)
{
	static const struct {
		const char *text;
		uint64_t want;
	} good[] = { { "0", 0 }, { "64K", 65536 }, { "1M", 1 << 20 },
		{ "1MiB", 1 << 20 }, { "10G", UINT64_C(10) << 30 },
		{ "1T", UINT64_C(1) << 40 }, { "1kB", 1000 },
		{ "3MB", 3000000 }, { "2GB", 2000000000 },
		{ "1.5KiB", 1536 }, { "2.5MB", 2500000 } };
	static const char *const bad[] = { "", "K", "1k", "1KB", "1 K", "1.5",
		"1.25K", "-1K", "99999999T", "1Kx" };
	uint64_t v = 7;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		tap_ok(num_parse_size(&v, good[i].text, 0, UINT64_MAX) ==
		    EC_OK && v == good[i].want, "size %s", good[i].text);
	for (v = 7, i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(num_parse_size(&v, bad[i], 0, UINT64_MAX) ==
		    EC_EINVAL && v == 7, "refuses size '%s'", bad[i]);
	tap_ok(num_parse_size(&v, "1K", 0, 1023) == EC_EINVAL, "above max");
}

static void
check_size_text(void)
{
	char s[16];

	tap_is_str(num_size_text(s, sizeof(s), 0), "0 B", "0");
	tap_is_str(num_size_text(s, sizeof(s), 1023), "1023 B", "1023");
	tap_is_str(num_size_text(s, sizeof(s), 1536), "1.5 KiB", "1.5 KiB");
	tap_is_str(num_size_text(s, sizeof(s), 1048575), "1.0 MiB",
	    "rounds up into the next unit");
	tap_is_str(num_size_text(s, sizeof(s), UINT64_MAX), "16.0 EiB", "max");
}

static void
check_hex(void)
{
	uint8_t b[3] = { 0x00, 0x9f, 0xff };
	char s[7];

	num_hex(s, b, 3);
	tap_is_str(s, "009fff", "hex");
	tap_ok(num_unhex(b, 3, "A1b2C3") == EC_OK && b[0] == 0xa1 &&
	    b[2] == 0xc3, "unhex");
	tap_ok(num_unhex(b, 3, "a1b2c") == EC_EINVAL, "too short");
	tap_ok(num_unhex(b, 3, "a1b2c3d") == EC_EINVAL, "too long");
	tap_ok(num_unhex(b, 3, "a1b2g3") == EC_EINVAL, "no digit");
}

static void
check_uuids(void)
{
	static const char *const bad[] = { "", "0",
		"00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeeff0",
		"00112233445566778899aabbccddeeff",
		"00112233-4455-6677-8899_aabbccddeeff",
		"g0112233-4455-6677-8899-aabbccddeeff" };
	struct uuid a = uuid_new(), b = uuid_new(), c;
	char s[UUID_TEXT_BYTES];
	size_t i;

	tap_ok(!uuid_equal(&a, &b) && !uuid_is_zero(&a), "two differ");
	uuid_text(s, &a);
	tap_ok(strlen(s) == 36 && s[14] == '4' && strchr("89ab", s[19]),
	    "%s is of version 4", s);
	tap_ok(uuid_parse(&c, s) == EC_OK && uuid_equal(&a, &c), "round trip");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(uuid_parse(&c, bad[i]) == EC_EINVAL, "refuses '%s'",
		    bad[i]);
}

static void
check_clock(void)
{
	uint64_t a, b, ahead;
	char s[32];
	unsigned i;

	tap_is_str(clock_text(s, sizeof(s), UINT64_C(1795352467123456)),
	    "2026-11-22T13:01:07Z", "time");
	tap_is_str(clock_text_ms(s, sizeof(s), UINT64_C(1795352467003456)),
	    "2026-11-22T13:01:07.003Z", "time with ms");
	for (a = clock_hlc(), i = 0; i < 10000; i++, a = b)
		if ((b = clock_hlc()) <= a)
			break;
	tap_is_u64(i, 10000, "10,000 values ascend");
	ahead = (clock_real_us() + 60 * 1000 * 1000) << 12;
	clock_hlc_observe(ahead);
	tap_ok(clock_hlc() > ahead, "passes what was observed");
	clock_hlc_observe(UINT64_MAX);
	tap_ok(clock_hlc() > ahead && clock_hlc() < UINT64_MAX - 1000,
	    "is not driven to the end");
}

static void
check_errors(void)
{
	int i;

	for (i = 0; i < EC_ERR_COUNT; i++)
		if (strncmp(err_name((enum err)i), "EC_", 3) != 0 ||
		    *err_text((enum err)i) == '\0' ||
		    (err_exit((enum err)i) == 0) != (i == EC_OK))
			break;
	tap_is_u64((uint64_t)i, EC_ERR_COUNT, "every code is described");
	tap_ok(err_exit((enum err)9999) == 1, "an unknown code is a failure");
	for (i = 0; i < 200 && err_from_errno(i) != EC_OK; i++)
		;
	tap_is_u64((uint64_t)i, 200, "no errno is a success");
	tap_ok(err_from_errno(ENOSPC) == EC_ENOSPC, "ENOSPC");
}

static void
check_buf(void)
{
	struct buf b = BUF_INIT(10);
	uint8_t *p;

	tap_is_str(buf_str(&b), "", "empty");
	tap_ok(buf_add_str(&b, "abc") == EC_OK &&
	    buf_printf(&b, "%d", 4567) == EC_OK, "add");
	tap_is_str(buf_str(&b), "abc4567", "text");
	tap_ok(buf_add(&b, "xxxx", 4) == EC_ELIMIT && b.len == 7, "ceiling");
	tap_ok(buf_reserve(&b, SIZE_MAX, &p) == EC_ELIMIT, "no overflow");
	tap_ok(buf_reserve(&b, 3, &p) == EC_OK, "reserve to the ceiling");
	p[0] = '8';
	p[1] = 'x';
	b.len++;
	tap_is_str(buf_str(&b), "abc45678", "less used than reserved");
	buf_release(&b);
	tap_ok(b.len == 0 && buf_add(&b, "", 0) == EC_OK, "usable again");
	buf_release(&b);
}

int
main(void)
{
	check_numbers();
	check_sizes();
	check_size_text();
	check_hex();
	check_uuids();
	check_clock();
	check_errors();
	check_buf();
	return tap_done();
}
