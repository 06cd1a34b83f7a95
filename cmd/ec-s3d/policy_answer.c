/* Bucket policies, whether they are public, public access blocks, ownership
 * controls: get, put, delete. */
#include <string.h>
#include <strings.h>

#include "bucket_config.h"
#include "handlers.h"

enum { BODY_MAX = 64 * 1024 };

enum s3_error
handle_policy_get(struct call *c)
{
	return bucket_config_answer(c, ACCESS_POLICY, S3_NO_POLICY,
	    "application/json");
}

enum s3_error
handle_policy_delete(struct call *c)
{
	return bucket_config_delete(c, ACCESS_POLICY);
}

/* All of the body, at most ${out}->max. */
static enum s3_error
read_all(struct call *c, struct buf *out)
{
	struct body b = BODY_INIT;
	uint8_t *buf = NULL;
	size_t got = 1;
	enum s3_error e;

	if ((e = call_body(c, &b, S3_CHECKSUM_NONE)) == S3_OK)
		e = call_buffer(c, &buf);
	while (e == S3_OK && got > 0 && (e = body_read(&b, buf,
	    SERVER_BUFFER_BYTES, &got)) == S3_OK)
		if (buf_add(out, buf, got) != EC_OK)
			e = call_fail(c, S3_MALFORMED_POLICY, "Policies are "
			    "limited to %d bytes", POLICY_BYTES_MAX);
	call_buffer_put(c, buf);
	body_release(&b);
	return e;
}

enum s3_error
handle_policy_put(struct call *c)
{
	struct buf text = BUF_INIT(POLICY_BYTES_MAX);
	const struct access_bucket *of;
	struct policy *p = NULL;
	char why[POLICY_WHY_BYTES];
	enum err e;
	enum s3_error s;

	if ((s = caller_bucket(c, &of)) != S3_OK ||
	    (s = read_all(c, &text)) != S3_OK)
		goto out;
	e = policy_parse(&p, POLICY_OF_BUCKET, c->rq.bucket, buf_str(&text),
	    text.len, why);
	if (e != EC_OK) {
		s = e == EC_ENOMEM ? S3_SLOW_DOWN :
		    call_fail(c, S3_MALFORMED_POLICY, "%s", why);
		goto out;
	}
	if ((of->block & BLOCK_PUBLIC_POLICY) != 0 && policy_is_public(p))
		s = call_fail(c, S3_ACCESS_DENIED, "BlockPublicPolicy is on");
	else
		s = bucket_config_set(c, ACCESS_POLICY, text.data, text.len);
	if (s == S3_OK)
		s = call_answer(c, 204);
out:
	policy_free(p);
	buf_release(&text);
	return s;
}

/* A bucket is public by its policy or its list, as far as no block says
 * otherwise. */
enum s3_error
handle_policy_status(struct call *c)
{
	const struct access_bucket *of;
	struct xml x = XML_INIT;
	enum s3_error e = caller_bucket(c, &of);

	if (e != S3_OK)
		return e;
	xml_begin(&x, "PolicyStatus");
	xml_bool(&x, "IsPublic", (of->policy != NULL &&
	    (of->block & RESTRICT_PUBLIC_BUCKETS) == 0 &&
	    policy_is_public(of->policy)) ||
	    (of->ownership != OWNERSHIP_ENFORCED &&
	    (of->block & IGNORE_PUBLIC_ACLS) == 0 &&
	    acl_is_public(&of->acl)));
	return call_answer_xml(c, &x, "PolicyStatus");
}

static const struct {
	const char *element;
	unsigned bit;
} blocks[] = {
	{ "BlockPublicAcls", BLOCK_PUBLIC_ACLS },
	{ "IgnorePublicAcls", IGNORE_PUBLIC_ACLS },
	{ "BlockPublicPolicy", BLOCK_PUBLIC_POLICY },
	{ "RestrictPublicBuckets", RESTRICT_PUBLIC_BUCKETS },
};
enum { BLOCKS = sizeof(blocks) / sizeof(blocks[0]) };

#define BLOCK_ROOT "PublicAccessBlockConfiguration"

enum s3_error
handle_public_block_get(struct call *c)
{
	struct buf value = BUF_INIT(RECORD_META_MAX);
	const struct access_bucket *of;
	struct xml x = XML_INIT;
	unsigned i;
	enum s3_error e;

	if ((e = caller_bucket(c, &of)) != S3_OK ||
	    (e = bucket_config_get(c, ACCESS_BLOCK, S3_NO_PUBLIC_BLOCK,
	    &value)) != S3_OK)
		goto out;
	xml_begin(&x, BLOCK_ROOT);
	for (i = 0; i < BLOCKS; i++)
		xml_bool(&x, blocks[i].element,
		    (of->block & blocks[i].bit) != 0);
	e = call_answer_xml(c, &x, BLOCK_ROOT);
out:
	buf_release(&value);
	return e;
}

static enum s3_error
block_element(void *ctx, const char *path, const char *text)
{
	unsigned *block = ctx, i;

	if (strncmp(path, "/" BLOCK_ROOT, strlen(BLOCK_ROOT) + 1) != 0)
		return S3_MALFORMED_XML;
	path += strlen(BLOCK_ROOT) + 1;
	if (path[0] == '\0' || text == NULL)
		return S3_OK;
	for (i = 0; i < BLOCKS; i++) {
		if (path[0] != '/' || strcmp(path + 1, blocks[i].element) != 0)
			continue;
		if (strcasecmp(text, "true") == 0)
			*block |= blocks[i].bit;
		else if (strcasecmp(text, "false") != 0)
			return S3_MALFORMED_XML;
		return S3_OK;
	}
	return S3_MALFORMED_XML;
}

enum s3_error
handle_public_block_put(struct call *c)
{
	unsigned block = 0;
	char value;
	enum s3_error e = call_xml(c, BODY_MAX, CALL_XML_PLAIN, block_element,
	    &block);

	if (e != S3_OK)
		return e;
	value = (char)('a' + block);
	e = bucket_config_set(c, ACCESS_BLOCK, &value, 1);
	return e != S3_OK ? e : call_answer(c, 200);
}

enum s3_error
handle_public_block_delete(struct call *c)
{
	return bucket_config_delete(c, ACCESS_BLOCK);
}

enum s3_error
handle_ownership_get(struct call *c)
{
	const struct access_bucket *of;
	struct xml x = XML_INIT;
	enum s3_error e = caller_bucket(c, &of);

	if (e != S3_OK)
		return e;
	if (of->ownership == OWNERSHIP_NONE)
		return S3_NO_OWNERSHIP;
	xml_begin(&x, "OwnershipControls");
	xml_open(&x, "Rule");
	xml_text(&x, "ObjectOwnership", access_ownership_name(of->ownership));
	xml_close(&x, "Rule");
	return call_answer_xml(c, &x, "OwnershipControls");
}

static enum s3_error
ownership_element(void *ctx, const char *path, const char *text)
{
	enum access_ownership *o = ctx;

	if (strncmp(path, "/OwnershipControls", 18) != 0)
		return S3_MALFORMED_XML;
	if (text == NULL ||
	    strcmp(path + 18, "/Rule/ObjectOwnership") != 0)
		return S3_OK;
	if (*o != OWNERSHIP_NONE)
		return S3_MALFORMED_XML;
	*o = access_ownership_parse(text, strlen(text));
	return *o != OWNERSHIP_NONE ? S3_OK : S3_MALFORMED_XML;
}

enum s3_error
handle_ownership_put(struct call *c)
{
	enum access_ownership o = OWNERSHIP_NONE;
	const struct access_bucket *of;
	const char *name;
	enum s3_error e;

	if ((e = caller_bucket(c, &of)) != S3_OK || (e = call_xml(c, BODY_MAX,
	    CALL_XML_PLAIN, ownership_element, &o)) != S3_OK)
		return e;
	if (o == OWNERSHIP_NONE)
		return S3_MALFORMED_XML;
	if (o == OWNERSHIP_ENFORCED && !acl_is_private(&of->acl))
		return S3_ACL_OWNERSHIP;
	name = access_ownership_name(o);
	e = bucket_config_set(c, ACCESS_OWNERSHIP, name, strlen(name));
	return e != S3_OK ? e : call_answer(c, 200);
}

enum s3_error
handle_ownership_delete(struct call *c)
{
	return bucket_config_delete(c, ACCESS_OWNERSHIP);
}
