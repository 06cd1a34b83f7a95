/* action: what each operation of the route table is called in policies, and
 * which permission of an access control list allows it.  An operation without
 * a row is denied to all. */
#ifndef ACTION_H
#define ACTION_H

#include "acl.h"

struct action {
	const char *operation;	/* as route.h has it */
	const char *name;	/* "s3:GetObject" */
	const char *versioned;	/* with a version id; NULL: the same */
	enum action_by {
		ACTION_OWNER,	/* of the bucket, or of the object */
		ACTION_BUCKET_ACL,	/* ${permission} on the bucket */
		ACTION_OBJECT_ACL,	/* ${permission} on the object */
		ACTION_USER,	/* all users but members: of themselves */
		ACTION_EACH,	/* judged for each key that is named */
	} by;
	enum acl_permission permission;
};

/* NULL: none. */
const struct action *action_find(const char *operation);

#endif
