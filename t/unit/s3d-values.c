/* Base64, times, checksums, conditions and ranges. */
#include "../lib/tap.h"
#include "ec-s3d/base64.h"
#include "ec-s3d/condition.h"
#include "ec-s3d/credentials.h"
#include "ec-s3d/s3_checksum.h"
#include "ec-s3d/s3_time.h"

static void
base64(void)
{
	static const char *const text[] = { "", "Zg==", "Zm8=", "Zm9v",
		"Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };	/* RFC 4648, 10 */
	static const char *const bad[] = { "Zg=", "Zg", "Zg===", "Zh==",
		"Z===", " Zg==", "Z\ng=", "Zg=a" };
	char out[16];
	uint8_t raw[8];
	size_t i;

	for (i = 0; i < 7; i++) {
		base64_encode(out, (const uint8_t *)"foobar", i);
		tap_is_str(out, text[i], "%zu bytes in base64", i);
		tap_ok(base64_decode(raw, i, text[i]) == EC_OK &&
		    memcmp(raw, "foobar", i) == 0, "and back");
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(base64_decode(raw, 1, bad[i]) == EC_EINVAL,
		    "bad text %zu is refused", i);
}

static void
times(void)
{
	char text[S3_TIME_TEXT_BYTES];
	int64_t t = 0;

	tap_is_str(s3_time_http(text, UINT64_C(784111777) * 1000000),
	    "Sun, 06 Nov 1994 08:49:37 GMT", "the date of RFC 9110");
	tap_ok(s3_time_parse_http(&t, text) == EC_OK && t == 784111777,
	    "and back");
	t = 0;
	tap_ok(s3_time_parse_http(&t, "Sunday, 06-Nov-94 08:49:37 GMT") ==
	    EC_OK && t == 784111777, "in the form of RFC 850");
	t = 0;
	tap_ok(s3_time_parse_http(&t, "Sun Nov  6 08:49:37 1994") == EC_OK &&
	    t == 784111777, "in that of asctime");
	tap_ok(s3_time_parse_http(&t, "yesterday") == EC_EINVAL, "none");
	tap_ok(s3_time_parse_http(&t, "Sun, 06 Nov 1994 08:49:37 GMT+1") ==
	    EC_EINVAL, "with something behind it");
	tap_ok(s3_time_parse_amz(&t, "20130524T000000Z") == EC_OK &&
	    t == 1369353600, "in the form of SigV4");
	tap_ok(s3_time_parse_amz(&t, "20130524T0000 0Z") == EC_EINVAL &&
	    s3_time_parse_amz(&t, "20131324T000000Z") == EC_EINVAL &&
	    s3_time_parse_amz(&t, "2013-05-24") == EC_EINVAL, "and none");
}

static void
sum(enum s3_checksum_kind kind, const char *text, size_t len,
    char out[S3_CHECKSUM_TEXT_BYTES])
{
	struct s3_checksum c;

	s3_checksum_init(&c, kind);
	s3_checksum_update(&c, text, len / 2);
	s3_checksum_update(&c, text + len / 2, len - len / 2);
	s3_checksum_final(&c, out);
	s3_checksum_release(&c);
}

static void
checksums(void)
{
	/* The check values of "123456789" in the catalogues. */
	static const char *const want[S3_CHECKSUM_KINDS] = { "", "y/Q5Jg==",
		"4waSgw==", "rosUhgp5mIg=", "98O8HYCOBHMq32eZZczDTKeuNEE=",
		"FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
		"2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7A"
		"LXPUmclUVba1u1A6z1dPuo/+hQ==", "JfnnlDI7RTiF9RgfG2JNCw==" };
	char out[S3_CHECKSUM_TEXT_BYTES];
	unsigned i;

	for (i = 0; i < S3_CHECKSUM_KINDS; i++) {
		enum s3_checksum_kind k = (enum s3_checksum_kind)i;

		sum(k, "123456789", 9, out);
		tap_is_str(out, want[i], "%s", s3_checksum_name(k));
		tap_ok(s3_checksum_by_name(s3_checksum_name(k)) == k &&
		    s3_checksum_by_header(s3_checksum_header(k)) == k,
		    "found by name and header");
		tap_ok(i == 0 || s3_checksum_valid(k, out, NULL), "valid");
	}
	tap_ok(s3_checksum_by_header("X-Amz-Checksum-Sha256") ==
	    S3_CHECKSUM_SHA256, "any case");
	tap_ok(s3_checksum_by_header("x-amz-checksum-type") ==
	    S3_CHECKSUM_NONE, "none of them");
	tap_ok(!s3_checksum_valid(S3_CHECKSUM_CRC32, "rosUhgp5mIg=", NULL),
	    "too long");
}

static void
combine(void)
{
	static char data[100000];
	char a[S3_CHECKSUM_TEXT_BYTES], b[S3_CHECKSUM_TEXT_BYTES],
	    all[S3_CHECKSUM_TEXT_BYTES];
	static const size_t cuts[] = { 0, 1, 8, 4096, 65535, 99999, 100000 };
	unsigned k, i;
	bool good;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 31 + (i >> 7));
	for (k = S3_CHECKSUM_CRC32; k <= S3_CHECKSUM_CRC64NVME; k++) {
		enum s3_checksum_kind kind = (enum s3_checksum_kind)k;

		good = true;
		sum(kind, data, sizeof(data), all);
		for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
			sum(kind, data, cuts[i], a);
			sum(kind, data + cuts[i], sizeof(data) - cuts[i], b);
			s3_checksum_combine(kind, a, b,
			    sizeof(data) - cuts[i]);
			good = good && strcmp(a, all) == 0;
		}
		tap_ok(good, "%s of two pieces", s3_checksum_name(kind));
	}
}

static void
range(const char *header, uint64_t size, enum s3_error want, bool partial,
    uint64_t start, uint64_t len)
{
	uint64_t s, l;
	bool p;
	enum s3_error e = condition_range(header, size, &p, &s, &l);

	tap_ok(e == want && (e != S3_OK || (p == partial && s == start &&
	    l == len)), "%s of %zu", header, (size_t)size);
}

static void
ranges(void)
{
	range("bytes=0-9", 100, S3_OK, true, 0, 10);
	range("bytes=0-0", 100, S3_OK, true, 0, 1);
	range("bytes=99-", 100, S3_OK, true, 99, 1);
	range("bytes=10-1000", 100, S3_OK, true, 10, 90);
	range("bytes=10-18446744073709551616", 100, S3_OK, true, 10, 90);
	range("bytes=-5", 100, S3_OK, true, 95, 5);
	range("bytes=-500", 100, S3_OK, true, 0, 100);
	range("bytes=100-", 100, S3_INVALID_RANGE, false, 0, 0);
	range("bytes=18446744073709551616-", 100, S3_INVALID_RANGE, false, 0,
	    0);
	range("bytes=-0", 100, S3_INVALID_RANGE, false, 0, 0);
	range("bytes=0-", 0, S3_INVALID_RANGE, false, 0, 0);
	range("bytes=-1", 0, S3_INVALID_RANGE, false, 0, 0);
	range("bytes=9-0", 100, S3_OK, false, 0, 100);
	range("bytes=-", 100, S3_OK, false, 0, 100);
	range("bytes=a-b", 100, S3_OK, false, 0, 100);
	range("bytes=0-1,5-6", 100, S3_OK, false, 0, 100);
	range("lines=0-1", 100, S3_OK, false, 0, 100);
}

static void
conditions(void)
{
	const uint64_t mtime = UINT64_C(784111777) * 1000000 + 5;
	const char *same = "Sun, 06 Nov 1994 08:49:37 GMT";
	const char *before = "Sun, 06 Nov 1994 08:49:36 GMT";
	const struct {
		struct condition c;
		enum s3_error want;
		const char *what;
	} t[] = {
		{ { NULL, NULL, NULL, NULL }, S3_OK, "none" },
		{ { "\"e\"", NULL, NULL, NULL }, S3_OK, "match" },
		{ { "e", NULL, NULL, NULL }, S3_OK, "match without quotes" },
		{ { "*", NULL, NULL, NULL }, S3_OK, "match any" },
		{ { "\"x\", \"e\"", NULL, NULL, NULL }, S3_OK, "in a list" },
		{ { "\"x\"", NULL, NULL, NULL }, S3_PRECONDITION_FAILED,
		    "no match" },
		{ { NULL, "\"e\"", NULL, NULL }, S3_NOT_MODIFIED,
		    "none-match" },
		{ { NULL, "W/\"e\"", NULL, NULL }, S3_NOT_MODIFIED, "weak" },
		{ { NULL, "\"x\"", NULL, NULL }, S3_OK, "another" },
		{ { NULL, NULL, same, NULL }, S3_NOT_MODIFIED,
		    "not modified since" },
		{ { NULL, NULL, before, NULL }, S3_OK, "modified since" },
		{ { NULL, NULL, "never", NULL }, S3_OK, "no date" },
		{ { NULL, NULL, NULL, same }, S3_OK, "unmodified since" },
		{ { NULL, NULL, NULL, before }, S3_PRECONDITION_FAILED,
		    "was modified" },
		{ { "\"e\"", NULL, NULL, before }, S3_OK,
		    "match goes before unmodified" },
		{ { NULL, "\"x\"", same, NULL }, S3_OK,
		    "none-match goes before modified" },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		tap_is_str(s3_error_code(condition_check(&t[i].c, "e",
		    mtime)), s3_error_code(t[i].want), "%s", t[i].what);
	tap_ok(condition_if_range("\"e\"", "e", mtime) &&
	    condition_if_range(same, "e", mtime) &&
	    condition_if_range(NULL, "e", mtime) &&
	    !condition_if_range("\"x\"", "e", mtime) &&
	    !condition_if_range(before, "e", mtime), "If-Range");
}

static void
credentials(void)
{
	tap_ok(credentials_refuse("admin", "0e8f7a6d5c") == NULL, "a good one");
	tap_ok(credentials_refuse("admin", "short") != NULL, "short");
	tap_ok(credentials_refuse("minioadmin", "minioadmin") != NULL,
	    "a default pair");
	tap_ok(credentials_refuse("rustfs", "RustfsAdmin") != NULL,
	    "a default password");
	tap_ok(credentials_refuse("ab", "0e8f7a6d5c") != NULL, "a short user");
	tap_ok(credentials_refuse("a/b", "0e8f7a6d5c") != NULL,
	    "a user with a slash");
	tap_ok(credentials_refuse("someuser1", "someuser1") != NULL, "twins");
}

int
main(void)
{
	base64();
	times();
	checksums();
	combine();
	ranges();
	conditions();
	credentials();
	return tap_done();
}
