#include "target.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/num.h"
#include "ec-s3d/sigv4.h"

#define SIGNED "host;x-amz-content-sha256;x-amz-date"

enum err
target_init(struct target *t, const char *url, const char *key_id,
    const char *secret, const char *region)
{
	char host[64];
	uint64_t port;
	const char *colon;

	*t = (struct target){ .key_id = key_id, .secret = secret,
		.region = region };
	if (strncmp(url, "http://", 7) != 0)
		return EC_EINVAL;
	url += 7;
	colon = strrchr(url, ':');
	if (colon == NULL || (size_t)(colon - url) >= sizeof(host) ||
	    strlen(url) >= sizeof(t->name) ||
	    num_parse(&port, colon + 1, 1, 65535) != EC_OK)
		return EC_EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - url), url);
	snprintf(t->name, sizeof(t->name), "%s", url);
	t->address.sin_family = AF_INET;
	t->address.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &t->address.sin_addr) != 1)
		return EC_EINVAL;
	target_now(t);
	return EC_OK;
}

void
target_now(struct target *t)
{
	time_t now = time(NULL);
	struct tm tm;
	char day[9];

	gmtime_r(&now, &tm);
	strftime(t->date, sizeof(t->date), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(day, sizeof(day), "%.8s", t->date);
	snprintf(t->scope, sizeof(t->scope), "%s/%.40s/s3/aws4_request", day,
	    t->region);
	sigv4_signing_key(t->key, t->secret, day, t->region, "s3");
}

void
target_sign(const struct target *t, const char *method, const char *path,
    const char *query, char out[65])
{
	uint8_t sum[DIGEST_SHA256_BYTES];
	char text[2 * TARGET_HEAD_MAX], hex[65];
	int n;

	n = snprintf(text, sizeof(text), "%s\n%s\n%s\nhost:%s\n"
	    "x-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:%s\n\n"
	    SIGNED "\nUNSIGNED-PAYLOAD", method, path, query, t->name,
	    t->date);
	digest_once(DIGEST_SHA256, text, (size_t)n, sum);
	num_hex(hex, sum, sizeof(sum));
	n = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s",
	    t->date, t->scope, hex);
	digest_hmac_sha256(t->key, sizeof(t->key), text, (size_t)n, sum);
	num_hex(out, sum, sizeof(sum));
}

size_t
target_head(const struct target *t, char out[TARGET_HEAD_MAX],
    const char *method, const char *path, const char *query,
    const char *extra, const char *signature)
{
	return (size_t)snprintf(out, TARGET_HEAD_MAX, "%s %s%s%s HTTP/1.1\r\n"
	    "Host: %s\r\nx-amz-date: %s\r\n"
	    "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"
	    "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, "
	    "SignedHeaders=" SIGNED ", Signature=%s\r\n%s\r\n", method, path,
	    query[0] != '\0' ? "?" : "", query, t->name, t->date, t->key_id,
	    t->scope, signature, extra);
}
