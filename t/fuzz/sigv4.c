/* Any bytes as a target and headers: parsing stays in bounds, what is parsed
 * is valid and keeps its meaning when it is encoded again, and nothing gets
 * past the signature. */
#include <stdlib.h>
#include <string.h>

#include "drive/record.h"
#include "ec-s3d/sigv4.h"
#include "set/set.h"

enum { HEADERS = 16 };

/* Encoded anew, a target names the same. */
static void
round_trip(const struct request *rq)
{
	struct buf b = BUF_INIT(1 << 20);
	struct request again;
	unsigned i;

	if (request_encode(&b, rq->path, true) != EC_OK)
		abort();
	for (i = 0; i < rq->query_count; i++) {
		buf_add_str(&b, i == 0 ? "?" : "&");
		request_encode(&b, rq->query[i].name, false);
		buf_add_str(&b, "=");
		request_encode(&b, rq->query[i].value, false);
	}
	if (request_parse(&again, buf_str(&b), NULL, NULL) != S3_OK ||
	    strcmp(again.bucket, rq->bucket) != 0 ||
	    strcmp(again.key, rq->key) != 0 ||
	    again.query_count != rq->query_count)
		abort();
	for (i = 0; i < rq->query_count; i++)
		if (strcmp(again.query[i].name, rq->query[i].name) != 0 ||
		    strcmp(again.query[i].value, rq->query[i].value) != 0)
			abort();
	request_release(&again);
	buf_release(&b);
}

/* Lines: the target, then "name:value" each. */
static unsigned
split(char *text, struct http_header headers[HEADERS])
{
	unsigned n = 0;
	char *line = strchr(text, '\n'), *colon, *end;

	while (line != NULL && n < HEADERS) {
		*line++ = '\0';
		end = strchr(line, '\n');
		if (end != NULL)
			*end = '\0';
		colon = strchr(line, ':');
		if (colon != NULL && colon != line) {
			*colon = '\0';
			headers[n++] = (struct http_header){ line, colon + 1 };
		}
		line = end;
	}
	return n;
}

static bool
find(void *ctx, const char *key_id, struct sigv4_secret *out)
{
	(void)ctx;
	*out = (struct sigv4_secret){ "user", "not guessed" };
	return strcmp(key_id, "user") == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sigv4_keys keys = { find, NULL };
	struct http_header headers[HEADERS];
	struct sigv4 auth;
	struct request rq;
	struct sigv4_request in = { .method = "GET", .rq = &rq,
		.headers = headers, .now_s = 1369353600 };
	char *text;

	if (size > HTTP_TARGET_MAX)
		return 0;
	text = calloc(1, size + 1);
	if (text == NULL)
		abort();
	memcpy(text, data, size);
	in.header_count = split(text, headers);
	if (request_parse(&rq, text, in.header_count > 0 ? headers[0].value :
	    NULL, NULL) == S3_OK) {
		if (rq.bucket[0] == '.' || strlen(rq.key) > RECORD_KEY_MAX ||
		    (rq.key[0] != '\0' && object_key_valid(rq.key) != EC_OK))
			abort();
		round_trip(&rq);
		if (sigv4_verify(&auth, &in, "us-east-1", &keys, NULL) ==
		    S3_OK)
			abort();
	}
	request_release(&rq);
	free(text);
	return 0;
}
