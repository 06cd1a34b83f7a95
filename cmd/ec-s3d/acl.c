#include <stdio.h>
#include <string.h>

#include "acl.h"

static const struct {
	enum acl_permission permission;
	char letter;
	const char *name;
} permissions[] = {
	{ ACL_READ, 'R', "READ" }, { ACL_WRITE, 'W', "WRITE" },
	{ ACL_READ_ACP, 'r', "READ_ACP" }, { ACL_WRITE_ACP, 'w', "WRITE_ACP" },
	{ ACL_FULL_CONTROL, 'F', "FULL_CONTROL" },
};
enum { PERMISSIONS = sizeof(permissions) / sizeof(permissions[0]) };

static const char letters[] = "=*+L";	/* by enum acl_who */
static const char *const uris[] = { NULL,
	"http://acs.amazonaws.com/groups/global/AllUsers",
	"http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
	"http://acs.amazonaws.com/groups/s3/LogDelivery" };

void
acl_private(struct acl *a, const char *owner)
{
	memset(a, 0, sizeof(*a));
	snprintf(a->owner, sizeof(a->owner), "%s", owner);
	acl_add(a, ACL_USER, owner, ACL_FULL_CONTROL);
}

enum s3_error
acl_add(struct acl *a, enum acl_who who, const char *id,
    enum acl_permission permission)
{
	struct acl_grant *g = &a->grant[a->n];

	if (a->n == ACL_GRANTS_MAX || strlen(id) > IAM_ID_MAX)
		return S3_MALFORMED_ACL;
	g->who = who;
	g->permission = permission;
	strcpy(g->id, id);
	a->n++;
	return S3_OK;
}

enum s3_error
acl_canned(struct acl *a, const char *name, const char *owner,
    const char *bucket_owner)
{
	bool object = bucket_owner != NULL;

	acl_private(a, owner);
	if (strcmp(name, "private") == 0 ||
	    strcmp(name, "aws-exec-read") == 0)
		return S3_OK;
	if (strcmp(name, "public-read") == 0)
		return acl_add(a, ACL_EVERYBODY, "", ACL_READ);
	if (strcmp(name, "public-read-write") == 0) {
		acl_add(a, ACL_EVERYBODY, "", ACL_READ);
		return acl_add(a, ACL_EVERYBODY, "", ACL_WRITE);
	}
	if (strcmp(name, "authenticated-read") == 0)
		return acl_add(a, ACL_AUTHENTICATED, "", ACL_READ);
	if (!object && strcmp(name, "log-delivery-write") == 0) {
		acl_add(a, ACL_LOGS, "", ACL_WRITE);
		return acl_add(a, ACL_LOGS, "", ACL_READ_ACP);
	}
	if (strcmp(name, "bucket-owner-read") == 0)
		return !object || strcmp(bucket_owner, owner) == 0 ? S3_OK :
		    acl_add(a, ACL_USER, bucket_owner, ACL_READ);
	if (strcmp(name, "bucket-owner-full-control") == 0)
		return !object || strcmp(bucket_owner, owner) == 0 ? S3_OK :
		    acl_add(a, ACL_USER, bucket_owner, ACL_FULL_CONTROL);
	return S3_INVALID_ARGUMENT;
}

bool
acl_permits(const struct acl *a, const char *user_id,
    enum acl_permission permission, bool ignore_public)
{
	unsigned i;

	/* Owners can always see and set the list itself. */
	if (user_id != NULL && strcmp(user_id, a->owner) == 0 &&
	    (permission == ACL_READ_ACP || permission == ACL_WRITE_ACP))
		return true;
	for (i = 0; i < a->n; i++) {
		const struct acl_grant *g = &a->grant[i];

		if ((g->permission & permission) != permission)
			continue;
		if (g->who == ACL_USER ? user_id != NULL &&
		    strcmp(g->id, user_id) == 0 : !ignore_public &&
		    (g->who == ACL_EVERYBODY ||
		    (g->who == ACL_AUTHENTICATED && user_id != NULL)))
			return true;
	}
	return false;
}

bool
acl_is_public(const struct acl *a)
{
	unsigned i;

	for (i = 0; i < a->n; i++)
		if (a->grant[i].who == ACL_EVERYBODY ||
		    a->grant[i].who == ACL_AUTHENTICATED)
			return true;
	return false;
}

bool
acl_is_private(const struct acl *a)
{
	return a->n == 1 && a->grant[0].who == ACL_USER &&
	    a->grant[0].permission == ACL_FULL_CONTROL &&
	    strcmp(a->grant[0].id, a->owner) == 0;
}

enum err
acl_text(const struct acl *a, struct buf *out)
{
	unsigned i, k;
	enum err e = EC_OK;

	for (i = 0; i < a->n && e == EC_OK; i++)
		for (k = 0; k < PERMISSIONS; k++)
			if (permissions[k].permission ==
			    a->grant[i].permission)
				e = buf_printf(out, "%c %c%s\n",
				    permissions[k].letter,
				    letters[a->grant[i].who], a->grant[i].id);
	return e;
}

enum err
acl_parse(struct acl *a, const char *text, size_t len)
{
	const char *end = text + len, *newline, *who;
	char id[IAM_ID_MAX + 1];
	unsigned k;

	a->n = 0;
	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (newline == NULL || newline - text < 3 ||
		    newline - text - 3 > IAM_ID_MAX ||
		    (who = memchr(letters, text[2], 4)) == NULL)
			return EC_EFORMAT;
		memcpy(id, text + 3, (size_t)(newline - text) - 3);
		id[newline - text - 3] = '\0';
		for (k = 0; k < PERMISSIONS; k++)
			if (permissions[k].letter == text[0])
				break;
		if (k == PERMISSIONS || acl_add(a, (enum acl_who)(who -
		    letters), id, permissions[k].permission) != S3_OK)
			return EC_EFORMAT;
	}
	return EC_OK;
}

bool
acl_permission_parse(enum acl_permission *out, const char *name)
{
	unsigned k;

	for (k = 0; k < PERMISSIONS; k++)
		if (strcmp(permissions[k].name, name) == 0) {
			*out = permissions[k].permission;
			return true;
		}
	return false;
}

const char *
acl_permission_name(enum acl_permission p)
{
	unsigned k;

	for (k = 0; k < PERMISSIONS; k++)
		if (permissions[k].permission == p)
			return permissions[k].name;
	return "";
}

const char *
acl_group_uri(enum acl_who who)
{
	return uris[who];
}

bool
acl_group_parse(enum acl_who *out, const char *uri)
{
	unsigned i;

	for (i = 1; i < sizeof(uris) / sizeof(uris[0]); i++)
		if (strcmp(uris[i], uri) == 0) {
			*out = (enum acl_who)i;
			return true;
		}
	return false;
}
