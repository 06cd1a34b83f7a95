/* Any bytes as XML: the limits hold, and cut in two ways it gives the same
 * elements and the same result. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "ec-s3d/xml.h"

struct seen {
	struct digest *digest;
	unsigned open;
};

static enum s3_error
element(void *ctx, const char *path, const char *text)
{
	struct seen *s = ctx;

	if (strlen(path) >= XML_PATH_MAX || path[0] != '/')
		abort();
	if (text != NULL && strlen(text) >= XML_TEXT_MAX)
		abort();
	s->open += text == NULL ? 1U : -1U;
	if (s->open > XML_DEPTH_MAX)
		abort();
	digest_update(s->digest, path, strlen(path) + 1);
	if (text != NULL)
		digest_update(s->digest, text, strlen(text) + 1);
	return S3_OK;
}

static enum s3_error
read_steps(const uint8_t *data, size_t size, size_t step, uint8_t sum[32])
{
	struct seen s = { NULL, 0 };
	struct xml_reader *r = NULL;
	size_t at, n;
	enum s3_error e = S3_OK;

	if (digest_new(&s.digest, DIGEST_SHA256) != EC_OK ||
	    xml_reader_new(&r, element, &s) != S3_OK)
		abort();
	for (at = 0; at < size && e == S3_OK; at += n) {
		n = size - at < step ? size - at : step;
		e = xml_reader_feed(r, data + at, n, false);
	}
	if (e == S3_OK)
		e = xml_reader_feed(r, "", 0, true);
	if (e == S3_OK && s.open != 0)
		abort();
	digest_final(s.digest, sum);
	digest_free(s.digest);
	xml_reader_free(r);
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t a[32], b[32];
	enum s3_error e;

	if (size < 1 || size > 65536)
		return 0;
	e = read_steps(data + 1, size - 1, 65536, a);
	if (e != read_steps(data + 1, size - 1, 1 + data[0] % 32, b))
		abort();
	if (e == S3_OK && memcmp(a, b, sizeof(a)) != 0)
		abort();
	return 0;
}
