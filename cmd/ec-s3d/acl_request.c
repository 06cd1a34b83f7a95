#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "acl_request.h"

enum { ACL_BODY_MAX = 64 * 1024 };

static const struct {
	const char *header;
	enum acl_permission permission;
} grant_headers[] = {
	{ "x-amz-grant-read", ACL_READ },
	{ "x-amz-grant-write", ACL_WRITE },
	{ "x-amz-grant-read-acp", ACL_READ_ACP },
	{ "x-amz-grant-write-acp", ACL_WRITE_ACP },
	{ "x-amz-grant-full-control", ACL_FULL_CONTROL },
};
enum { GRANT_HEADERS = sizeof(grant_headers) / sizeof(grant_headers[0]) };

/* A user by canonical id; of members too, who may be given things. */
static enum s3_error
add_id(struct call *c, struct acl *a, const char *id,
    enum acl_permission permission)
{
	if (iam_user_by_id(c->who.iam, id) == NULL)
		return call_fail(c, S3_INVALID_ARGUMENT, "Invalid id");
	return acl_add(a, ACL_USER, id, permission);
}

static enum s3_error
add_email(struct call *c, struct acl *a, const char *email,
    enum acl_permission permission)
{
	const struct iam_user *user = iam_user_by_email(c->who.iam, email);

	return user == NULL ? S3_UNRESOLVABLE_EMAIL :
	    acl_add(a, ACL_USER, user->id, permission);
}

static enum s3_error
add_group(struct call *c, struct acl *a, const char *uri,
    enum acl_permission permission)
{
	enum acl_who who;

	return !acl_group_parse(&who, uri) ?
	    call_fail(c, S3_INVALID_ARGUMENT, "Invalid group uri") :
	    acl_add(a, who, "", permission);
}

/* One of: id="...", uri="...", emailAddress="..." */
static enum s3_error
add_grantee(struct call *c, struct acl *a, char *text,
    enum acl_permission permission)
{
	char *value = strchr(text, '=');
	size_t len;

	if (value == NULL)
		return S3_INVALID_ARGUMENT;
	*value++ = '\0';
	value += strspn(value, " ");
	len = strlen(value);
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value[len - 1] = '\0';
		value++;
	}
	if (strcasecmp(text, "id") == 0)
		return add_id(c, a, value, permission);
	if (strcasecmp(text, "uri") == 0)
		return add_group(c, a, value, permission);
	if (strcasecmp(text, "emailAddress") == 0)
		return add_email(c, a, value, permission);
	return S3_INVALID_ARGUMENT;
}

static enum s3_error
add_header(struct call *c, struct acl *a, const char *value,
    enum acl_permission permission)
{
	char *text = strdup(value), *save = NULL, *p;
	enum s3_error e = S3_OK;

	if (text == NULL)
		return S3_SLOW_DOWN;
	for (p = strtok_r(text, ",", &save); p != NULL && e == S3_OK;
	    p = strtok_r(NULL, ",", &save)) {
		size_t len;

		p += strspn(p, " ");
		len = strlen(p);
		while (len > 0 && p[len - 1] == ' ')
			p[--len] = '\0';
		e = add_grantee(c, a, p, permission);
	}
	free(text);
	return e;
}

/* From x-amz-acl or x-amz-grant-*; *${there} when one of them is. */
static enum s3_error
from_headers(struct call *c, const char *owner, const char *bucket_owner,
    struct acl *out, bool *there)
{
	const char *canned = http_header(c->x, "x-amz-acl"), *value;
	bool granted = false;
	unsigned i;
	enum s3_error e;

	acl_private(out, owner);
	for (i = 0; i < GRANT_HEADERS; i++) {
		value = http_header(c->x, grant_headers[i].header);
		if (value == NULL)
			continue;
		if (!granted)
			out->n = 0;
		granted = true;
		if ((e = add_header(c, out, value,
		    grant_headers[i].permission)) != S3_OK)
			return e;
	}
	*there = granted || canned != NULL;
	if (canned == NULL)
		return S3_OK;
	if (granted)
		return call_fail(c, S3_INVALID_REQUEST, "Specifying both "
		    "Canned ACLs and Header Grants is not allowed");
	return acl_canned(out, canned, owner, bucket_owner);
}

static enum s3_error
add_meta(struct buf *meta, const char *name, const void *value, size_t len)
{
	return record_meta_add(meta, name, value, len) == EC_OK ? S3_OK :
	    S3_METADATA_TOO_LARGE;
}

static enum s3_error
add_list(struct buf *meta, const char *name, const struct acl *a)
{
	struct buf text = BUF_INIT(RECORD_META_MAX);
	enum s3_error e = s3_error_from(acl_text(a, &text));

	if (e == S3_OK)
		e = add_meta(meta, name, text.data, text.len);
	buf_release(&text);
	return e;
}

/* What is the same as the bucket's owner and a private list is not stored. */
static enum s3_error
store_object(struct call *c, const struct access_bucket *of,
    const struct acl *a, struct buf *meta)
{
	enum s3_error e = S3_OK;

	if ((of->block & BLOCK_PUBLIC_ACLS) != 0 && acl_is_public(a))
		return call_fail(c, S3_ACCESS_DENIED, "BlockPublicAcls is on");
	if (strcmp(a->owner, of->acl.owner) != 0)
		e = add_meta(meta, ACCESS_OBJECT_OWNER, a->owner,
		    strlen(a->owner));
	if (e == S3_OK && !acl_is_private(a))
		e = add_list(meta, ACCESS_OBJECT_ACL, a);
	return e;
}

static enum s3_error
object_list(struct call *c, const struct access_bucket *of,
    const char *canned, bool headers, struct acl *a)
{
	const char *owner = caller_owner_id(c);
	bool there = canned != NULL;
	enum s3_error e;

	if (of->ownership == OWNERSHIP_PREFERRED && canned != NULL &&
	    strcmp(canned, "bucket-owner-full-control") == 0)
		owner = of->acl.owner;
	if (headers)
		e = from_headers(c, owner, of->acl.owner, a, &there);
	else
		e = acl_canned(a, canned != NULL ? canned : "private", owner,
		    of->acl.owner);
	if (e != S3_OK || of->ownership != OWNERSHIP_ENFORCED)
		return e;
	if (there && (canned == NULL ||
	    strcmp(canned, "bucket-owner-full-control") != 0))
		return S3_ACL_UNSUPPORTED;
	acl_private(a, of->acl.owner);
	return S3_OK;
}

static enum s3_error
append_object(struct call *c, const char *canned, bool headers,
    struct buf *meta)
{
	const struct access_bucket *of;
	struct acl *a = malloc(sizeof(*a));
	enum s3_error e = S3_SLOW_DOWN;

	if (a == NULL || (e = caller_bucket(c, &of)) != S3_OK ||
	    (e = object_list(c, of, canned, headers, a)) != S3_OK)
		goto out;
	e = store_object(c, of, a, meta);
out:
	free(a);
	return e;
}

enum s3_error
acl_request_object(struct call *c, struct buf *meta)
{
	return append_object(c, http_header(c->x, "x-amz-acl"), true, meta);
}

enum s3_error
acl_request_object_canned(struct call *c, const char *canned, struct buf *meta)
{
	return append_object(c, canned, false, meta);
}

enum s3_error
acl_request_bucket(struct call *c, struct buf *meta)
{
	const char *ownership = http_header(c->x, "x-amz-object-ownership");
	const char *owner = caller_owner_id(c);
	struct acl *a = malloc(sizeof(*a));
	enum access_ownership o = OWNERSHIP_NONE;
	bool there;
	enum s3_error e = S3_SLOW_DOWN;

	if (a == NULL || (e = from_headers(c, owner, NULL, a, &there)) !=
	    S3_OK)
		goto out;
	if (ownership != NULL && (o = access_ownership_parse(ownership,
	    strlen(ownership))) == OWNERSHIP_NONE) {
		e = call_fail(c, S3_INVALID_ARGUMENT,
		    "Invalid x-amz-object-ownership header: %.64s", ownership);
		goto out;
	}
	if (o == OWNERSHIP_ENFORCED && !acl_is_private(a)) {
		e = S3_ACL_OWNERSHIP;
		goto out;
	}
	e = add_meta(meta, ACCESS_OWNER, owner, strlen(owner));
	if (e == S3_OK && !acl_is_private(a))
		e = add_list(meta, ACCESS_ACL, a);
	if (e == S3_OK && o != OWNERSHIP_NONE)
		e = add_meta(meta, ACCESS_OWNERSHIP, ownership,
		    strlen(ownership));
out:
	free(a);
	return e;
}

struct body_list {
	struct call *call;
	struct acl *acl;
	char owner[IAM_ID_MAX + 1];
	enum { BY_NOTHING, BY_ID, BY_URI, BY_EMAIL } by;
	char grantee[XML_TEXT_MAX];
	enum acl_permission permission;
	bool root, has_list;
};

static enum s3_error
add_parsed(struct body_list *b)
{
	if (b->permission == 0)
		return S3_MALFORMED_ACL;
	switch (b->by) {
	case BY_ID:
		return add_id(b->call, b->acl, b->grantee, b->permission);
	case BY_URI:
		return add_group(b->call, b->acl, b->grantee, b->permission);
	case BY_EMAIL:
		return add_email(b->call, b->acl, b->grantee, b->permission);
	case BY_NOTHING:
		break;
	}
	return S3_MALFORMED_ACL;
}

static enum s3_error
grant_element(struct body_list *b, const char *path, const char *text)
{
	static const char *const grantees[] = { "", "/Grantee/ID",
		"/Grantee/URI", "/Grantee/EmailAddress" };
	unsigned i;

	if (path[0] == '\0') {
		if (text != NULL)
			return add_parsed(b);
		b->by = BY_NOTHING;
		b->permission = (enum acl_permission)0;
		return S3_OK;
	}
	if (text == NULL)
		return S3_OK;
	if (strcmp(path, "/Permission") == 0)
		return acl_permission_parse(&b->permission, text) ? S3_OK :
		    S3_MALFORMED_ACL;
	for (i = 1; i < 4; i++)
		if (strcmp(path, grantees[i]) == 0 &&
		    strlen(text) < sizeof(b->grantee)) {
			b->by = i;
			strcpy(b->grantee, text);
		}
	return S3_OK;
}

static enum s3_error
element(void *ctx, const char *path, const char *text)
{
	struct body_list *b = ctx;

	if (strncmp(path, "/AccessControlPolicy", 20) != 0)
		return S3_MALFORMED_ACL;
	path += 20;
	if (strcmp(path, "/AccessControlList") == 0)
		b->has_list = true;
	if (strncmp(path, "/AccessControlList/Grant", 24) == 0 &&
	    (path[24] == '\0' || path[24] == '/'))
		return grant_element(b, path + 24, text);
	if (strcmp(path, "/Owner/ID") == 0 && text != NULL) {
		if (strlen(text) > IAM_ID_MAX)
			return S3_MALFORMED_ACL;
		strcpy(b->owner, text);
	}
	return S3_OK;
}

static enum s3_error
from_body(struct call *c, struct acl *out)
{
	struct body_list *b = calloc(1, sizeof(*b));
	enum s3_error e;

	if (b == NULL)
		return S3_SLOW_DOWN;
	b->call = c;
	b->acl = out;
	out->n = 0;
	e = call_xml(c, ACL_BODY_MAX, CALL_XML_PLAIN, element, b);
	if (e == S3_MALFORMED_XML || (e == S3_OK && !b->has_list))
		e = S3_MALFORMED_ACL;
	/* The owner stays who it is. */
	if (e == S3_OK && strcmp(b->owner, out->owner) != 0)
		e = b->owner[0] != '\0' ? S3_ACCESS_DENIED : S3_MALFORMED_ACL;
	free(b);
	return e;
}

enum s3_error
acl_request_set(struct call *c, const char *owner, const char *bucket_owner,
    struct acl *out)
{
	bool body = http_content_length(c->x) != 0, there;
	enum s3_error e;

	if ((e = from_headers(c, owner, bucket_owner, out, &there)) != S3_OK)
		return e;
	if (there)
		return body ? S3_UNEXPECTED_CONTENT : S3_OK;
	return body ? from_body(c, out) : call_fail(c,
	    S3_MISSING_SECURITY_HEADER, "Your request was missing a required "
	    "header: x-amz-acl");
}
