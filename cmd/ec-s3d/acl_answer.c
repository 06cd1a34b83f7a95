/* GetBucketAcl, GetObjectAcl, PutBucketAcl, PutObjectAcl. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl_request.h"
#include "bucket_config.h"
#include "handlers.h"
#include "meta.h"

static void
grantee_xml(struct call *c, struct xml *x, const struct acl_grant *g)
{
	const char *xsi = "xmlns:xsi=\"http://www.w3.org/2001/"
	    "XMLSchema-instance\"";
	char name[160];

	if (g->who == ACL_USER) {
		snprintf(name, sizeof(name), "Grantee %s "
		    "xsi:type=\"CanonicalUser\"", xsi);
		call_xml_owner(c, x, name, g->id);
		return;
	}
	snprintf(name, sizeof(name), "Grantee %s xsi:type=\"Group\"", xsi);
	xml_open(x, name);
	xml_text(x, "URI", acl_group_uri(g->who));
	xml_close(x, name);
}

/* Those to users, or those to groups, which come first: so do other servers
 * tell them, and there are clients that count on it. */
static void
grants_xml(struct call *c, struct xml *x, const struct acl *a, bool users)
{
	for (unsigned i = 0; i < a->n; i++) {
		if ((a->grant[i].who == ACL_USER) != users)
			continue;
		xml_open(x, "Grant");
		grantee_xml(c, x, &a->grant[i]);
		xml_text(x, "Permission",
		    acl_permission_name(a->grant[i].permission));
		xml_close(x, "Grant");
	}
}

static enum s3_error
answer(struct call *c, const struct acl *a)
{
	struct xml x = XML_INIT;

	xml_begin(&x, "AccessControlPolicy");
	call_xml_owner(c, &x, "Owner", a->owner);
	xml_open(&x, "AccessControlList");
	grants_xml(c, &x, a, false);
	grants_xml(c, &x, a, true);
	xml_close(&x, "AccessControlList");
	return call_answer_xml(c, &x, "AccessControlPolicy");
}

enum s3_error
handle_bucket_acl_get(struct call *c)
{
	const struct access_bucket *of;
	enum s3_error e = caller_bucket(c, &of);
	struct acl *a = NULL;

	if (e != S3_OK)
		return e;
	if (of->ownership != OWNERSHIP_ENFORCED)
		return answer(c, &of->acl);
	if ((a = malloc(sizeof(*a))) == NULL)
		return S3_SLOW_DOWN;
	acl_private(a, of->acl.owner);
	e = answer(c, a);
	free(a);
	return e;
}

/* A new list may be set at all, and is not a public one that is blocked. */
static enum s3_error
check(struct call *c, const struct access_bucket *of, const struct acl *a)
{
	if (of->ownership == OWNERSHIP_ENFORCED)
		return S3_ACL_UNSUPPORTED;
	return (of->block & BLOCK_PUBLIC_ACLS) != 0 && acl_is_public(a) ?
	    call_fail(c, S3_ACCESS_DENIED, "BlockPublicAcls is on") : S3_OK;
}

enum s3_error
handle_bucket_acl_put(struct call *c)
{
	const struct access_bucket *of;
	struct acl *a = malloc(sizeof(*a));
	struct buf text = BUF_INIT(RECORD_META_MAX);
	enum s3_error e = S3_SLOW_DOWN;

	if (a == NULL || (e = caller_bucket(c, &of)) != S3_OK ||
	    (e = acl_request_set(c, of->acl.owner, NULL, a)) != S3_OK ||
	    (e = check(c, of, a)) != S3_OK ||
	    (e = s3_error_from(acl_text(a, &text))) != S3_OK)
		goto out;
	if ((e = bucket_config_set(c, ACCESS_ACL, text.len > 0 ? text.data :
	    (const uint8_t *)"", text.len)) == S3_OK)
		e = call_answer(c, 200);
out:
	free(a);
	buf_release(&text);
	return e;
}

enum s3_error
handle_object_acl_get(struct call *c)
{
	const struct access_bucket *of;
	struct object o = OBJECT_INIT;
	struct acl *a = malloc(sizeof(*a));
	enum s3_error e = S3_SLOW_DOWN;

	if (a == NULL || (e = caller_bucket(c, &of)) != S3_OK ||
	    (e = call_object(c, &o)) != S3_OK ||
	    (e = call_store(c, access_object_acl(a, &o.meta, of))) != S3_OK)
		goto out;
	call_header_version(c, &o.version, o.null_version);
	e = answer(c, a);
out:
	free(a);
	object_release(&o);
	return e;
}

struct change {
	const struct access_bucket *of;
	char owner[IAM_ID_MAX + 1];
	struct acl acl;
};

static enum err
change_list(void *ctx, struct object *o)
{
	struct change *ch = ctx;
	struct buf text = BUF_INIT(RECORD_META_MAX);
	enum err e;

	if ((e = acl_text(&ch->acl, &text)) == EC_OK)
		e = record_meta_set(&o->meta, ACCESS_OBJECT_ACL,
		    text.len > 0 ? text.data : (const uint8_t *)"", text.len);
	buf_release(&text);
	return e;
}

enum s3_error
handle_object_acl_put(struct call *c)
{
	struct change *ch = calloc(1, sizeof(*ch));
	struct object o = OBJECT_INIT, now = OBJECT_INIT;
	enum s3_error e = S3_SLOW_DOWN;

	if (ch == NULL || (e = caller_bucket(c, &ch->of)) != S3_OK ||
	    (e = call_object(c, &now)) != S3_OK ||
	    (e = call_store(c, access_object_acl(&ch->acl, &now.meta,
	    ch->of))) != S3_OK)
		goto out;
	memcpy(ch->owner, ch->acl.owner, sizeof(ch->owner));
	if ((e = acl_request_set(c, ch->owner, ch->of->acl.owner,
	    &ch->acl)) != S3_OK || (e = check(c, ch->of, &ch->acl)) != S3_OK ||
	    (e = call_amend(c, change_list, ch, &o)) != S3_OK)
		goto out;
	call_header_version(c, &o.version, o.null_version);
	e = call_answer(c, 200);
out:
	free(ch);
	object_release(&o);
	object_release(&now);
	return e;
}
