/* acl: access control lists: who has which permission on a bucket or object,
 * and how that is stored with it.  Pure. */
#ifndef ACL_H
#define ACL_H

#include <stdbool.h>

#include "base/buf.h"
#include "iam.h"
#include "s3_error.h"

enum { ACL_GRANTS_MAX = 100 };

enum acl_permission {
	ACL_READ = 1, ACL_WRITE = 2, ACL_READ_ACP = 4, ACL_WRITE_ACP = 8,
	ACL_FULL_CONTROL = 15,
};

enum acl_who { ACL_USER, ACL_EVERYBODY, ACL_AUTHENTICATED, ACL_LOGS };

struct acl_grant {
	enum acl_who who;
	enum acl_permission permission;
	char id[IAM_ID_MAX + 1];	/* ACL_USER: canonical user id */
};

struct acl {
	char owner[IAM_ID_MAX + 1];
	struct acl_grant grant[ACL_GRANTS_MAX];
	unsigned n;
};

/* What a list says when nothing is stored: the owner may do all. */
void acl_private(struct acl *a, const char *owner);

/* Add one.  Errors: S3_MALFORMED_ACL (too many). */
enum s3_error acl_add(struct acl *a, enum acl_who who, const char *id,
    enum acl_permission permission);

/* The list of a canned name ("public-read"); ${bucket_owner} is for those of
 * objects, NULL for a bucket's.  Errors: S3_INVALID_ARGUMENT (no such name). */
enum s3_error acl_canned(struct acl *a, const char *name, const char *owner,
    const char *bucket_owner);

/* May this user (NULL: anonymous)?  ${ignore_public}: what all or all
 * authenticated may is not counted. */
bool acl_permits(const struct acl *a, const char *user_id,
    enum acl_permission permission, bool ignore_public);

/* Does it give something to everybody, or to all authenticated? */
bool acl_is_public(const struct acl *a);
/* Nothing but FULL_CONTROL for the owner, as with ACLs disabled. */
bool acl_is_private(const struct acl *a);

/* The grants as they are stored: "F =ID\nR *\n"; and back, behind the owner
 * in ${a}.  Errors: EC_EFORMAT, as buf_add. */
enum err acl_text(const struct acl *a, struct buf *out);
enum err acl_parse(struct acl *a, const char *text, size_t len);

/* "FULL_CONTROL" and so on; false: not one. */
bool acl_permission_parse(enum acl_permission *out, const char *name);
const char *acl_permission_name(enum acl_permission p);
/* The URI of a group; NULL for ACL_USER.  Parse: false, not one. */
const char *acl_group_uri(enum acl_who who);
bool acl_group_parse(enum acl_who *out, const char *uri);

#endif
