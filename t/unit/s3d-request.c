/* What a target and a Host ask for. */
#include "../lib/tap.h"
#include "ec-s3d/request.h"
#include "drive/record.h"

static void
parse(const char *target, const char *bucket, const char *key)
{
	struct request r;
	enum s3_error e = request_parse(&r, target, "h:9000", NULL);

	tap_ok(e == S3_OK && strcmp(r.bucket, bucket) == 0 &&
	    strcmp(r.key, key) == 0, "%s", target);
	if (e != S3_OK || strcmp(r.bucket, bucket) != 0 ||
	    strcmp(r.key, key) != 0)
		tap_note("%s bucket %s key %s", s3_error_code(e), r.bucket,
		    r.key);
	request_release(&r);
}

static void
refuse(const char *target, enum s3_error want)
{
	struct request r;
	enum s3_error e = request_parse(&r, target, NULL, NULL);

	tap_is_str(s3_error_code(e), s3_error_code(want), "%.60s", target);
	request_release(&r);
}

static void
targets(void)
{
	char longest[RECORD_KEY_MAX + 16] = "/bucket/";

	parse("/", "", "");
	parse("/bucket", "bucket", "");
	parse("/bucket/", "bucket", "");
	parse("/bucket/key", "bucket", "key");
	parse("/bucket/a/b//c/", "bucket", "a/b//c/");
	parse("/bucket//a", "bucket", "/a");
	parse("/bucket/../../etc/passwd", "bucket", "../../etc/passwd");
	parse("/bucket/%2e%2e/.", "bucket", "../.");
	parse("/bucket/%2E%2F%25", "bucket", "./%");
	parse("/bucket/a+b%20c%2Bd", "bucket", "a+b c+d");
	parse("/bucket/%C3%A4%e2%82%ac%F0%9F%98%80", "bucket",
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	parse("/bucket/key?a=b/c", "bucket", "key");
	parse("/bucket?a", "bucket", "");
	parse("/bucket/a%3Fb", "bucket", "a?b");

	refuse("*", S3_INVALID_URI);
	refuse("/bucket/%", S3_INVALID_URI);
	refuse("/bucket/%4", S3_INVALID_URI);
	refuse("/bucket/%zz", S3_INVALID_URI);
	refuse("/bucket/a%00b", S3_INVALID_URI);
	refuse("/bucket/%ff", S3_INVALID_URI);
	refuse("/bucket/%c0%af", S3_INVALID_URI);
	refuse("/bucket/%ed%a0%80", S3_INVALID_URI);
	refuse("/bucket/%f4%90%80%80", S3_INVALID_URI);
	refuse("/bucket/%e2%82", S3_INVALID_URI);
	refuse("/bucket/?a=%0", S3_INVALID_URI);
	refuse("/.ec/key", S3_INVALID_BUCKET_NAME);
	refuse("/bu/key", S3_INVALID_BUCKET_NAME);
	refuse("/Bucket/key", S3_INVALID_BUCKET_NAME);
	refuse("/bu_cket/key", S3_INVALID_BUCKET_NAME);
	memset(longest + 8, 'k', RECORD_KEY_MAX);
	parse(longest, "bucket", longest + 8);
	longest[8 + RECORD_KEY_MAX] = 'k';
	refuse(longest, S3_KEY_TOO_LONG);
}

static void
queries(void)
{
	struct buf many = BUF_INIT(8 * REQUEST_QUERY_MAX + 32);
	struct request r;
	unsigned i;

	request_parse(&r, "/b-1?prefix=a%2Fb+c&acl&&x=&prefix=2&d=a=b", NULL,
	    NULL);
	tap_is_str(request_query(&r, "prefix"), "a/b c", "a value decoded");
	tap_is_u64(request_query_count(&r, "prefix"), 2, "given twice");
	tap_is_str(request_query(&r, "acl"), "", "without a value");
	tap_is_str(request_query(&r, "x"), "", "with an empty one");
	tap_is_str(request_query(&r, "d"), "a=b", "with = in it");
	tap_is_str(request_query(&r, "y"), NULL, "not there");
	tap_is_str(r.raw_query, "prefix=a%2Fb+c&acl&&x=&prefix=2&d=a=b",
	    "the raw query");
	request_release(&r);

	buf_add_str(&many, "/bucket?");
	for (i = 0; i < REQUEST_QUERY_MAX; i++)
		buf_add_str(&many, "a=%41&");
	tap_ok(request_parse(&r, buf_str(&many), NULL, NULL) == S3_OK &&
	    strcmp(r.query[REQUEST_QUERY_MAX - 1].value, "A") == 0,
	    "%d parameters", REQUEST_QUERY_MAX);
	request_release(&r);
	buf_add_str(&many, "a");
	refuse(buf_str(&many), S3_INVALID_ARGUMENT);
	buf_release(&many);
}

static void
host(const char *name, const char *target, const char *bucket,
    const char *key)
{
	struct request r;
	enum s3_error e = request_parse(&r, target, name, "s3.Example.com");

	tap_ok(e == S3_OK && strcmp(r.bucket, bucket) == 0 &&
	    strcmp(r.key, key) == 0, "%s of host %s", target, name);
	request_release(&r);
}

static void
encode(const char *text, bool slash, const char *want)
{
	struct buf b = BUF_INIT(1000);

	tap_ok(request_encode(&b, text, slash) == EC_OK, "encode");
	tap_is_str(buf_str(&b), want, "%s", want);
	buf_release(&b);
}

static void
copy_sources(void)
{
	char good[] = "/bucket/a/b", bare[] = "bucket/a", none[] = "/bucket",
	    empty[] = "/bucket/", system[] = ".ec/key", slash[] = "//key";
	const char *bucket, *key;

	tap_ok(request_split(good, &bucket, &key) == S3_OK &&
	    strcmp(bucket, "bucket") == 0 && strcmp(key, "a/b") == 0,
	    "/bucket/a/b");
	tap_ok(request_split(bare, &bucket, &key) == S3_OK &&
	    strcmp(bucket, "bucket") == 0 && strcmp(key, "a") == 0,
	    "bucket/a");
	tap_ok(request_split(none, &bucket, &key) == S3_INVALID_ARGUMENT,
	    "no key");
	tap_ok(request_split(empty, &bucket, &key) == S3_INVALID_ARGUMENT,
	    "an empty key");
	tap_ok(request_split(slash, &bucket, &key) == S3_INVALID_ARGUMENT,
	    "an empty bucket");
	tap_ok(request_split(system, &bucket, &key) ==
	    S3_INVALID_BUCKET_NAME, "a bucket of the system");
}

int
main(void)
{
	targets();
	queries();
	host("bucket.s3.example.com:9000", "/a/b", "bucket", "a/b");
	host("BUCKET.s3.example.com", "/bucket/a", "bucket", "bucket/a");
	host("s3.example.com", "/bucket/a", "bucket", "a");
	host("other.example.com", "/bucket/a", "bucket", "a");
	host("xs3.example.com", "/bucket/a", "bucket", "a");
	host("a.b.s3.example.com", "/", "a.b", "");
	encode("a/b c~d", true, "a/b%20c~d");
	encode("a/b\xc3\xa4+", false, "a%2Fb%C3%A4%2B");
	copy_sources();
	return tap_done();
}
