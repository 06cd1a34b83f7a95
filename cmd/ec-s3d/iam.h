/* iam: who there is and what they may: users, access keys, groups and policies,
 * as read from the store, in a form for fast lookups.
 *
 * They are one JSON document (iam_doc.h).  What is made of it does not change
 * and is counted by reference, so that a request works with one state. */
#ifndef IAM_H
#define IAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seal.h"
#include "policy.h"

enum {
	IAM_NAME_MAX = 128,		/* of users, groups, policies, keys */
	IAM_ID_MAX = 128,
	IAM_TEXT_MAX = 256,		/* display names, e-mail addresses */
	IAM_SECRET_MAX = 256,
	IAM_DOCUMENT_MAX = 16 * 1024 * 1024,
};

/* A policy that a user has, and how: "user:box", "group:staff:box" ... */
struct iam_grant {
	const struct policy *policy;
	const char *from;
};

struct iam_user {
	const char *name;
	const char *id;			/* canonical: an owner's in answers */
	const char *display, *email;	/* email "": none */
	bool root;			/* may do all */
	bool enabled;
	bool member;		/* has nothing but what policies give: may not
				 * even make buckets */
	struct iam_grant *grants;	/* of attached and inline policies */
	unsigned grant_count;
};

struct iam_key {
	const char *id, *secret;
	const struct iam_user *user;
	bool enabled;
	int64_t expires_s;		/* 0: never */
	struct policy *policy;		/* narrower than the user's; NULL */
};

struct iam;

struct iam_root {	/* the root user's, from the environment */
	const char *user, *password;
};

/* Make the lookup form of a document; ${len} 0: there are none but root.
 * What cannot be used (a secret sealed under another root password, a policy
 * that does not parse) is logged and left out, so that it permits nothing:
 * whoever depends on such a policy is disabled.  Errors: EC_EFORMAT,
 * EC_ENOMEM. */
enum err iam_new(struct iam **out, const char *text, size_t len,
    const struct iam_root *root);
struct iam *iam_ref(struct iam *iam);
void iam_unref(struct iam *iam);	/* NULL: nothing */

/* NULL if there is none.  Valid while a reference is held. */
const struct iam_key *iam_key_find(const struct iam *iam, const char *id);
const struct iam_user *iam_user_find(const struct iam *iam, const char *name);
const struct iam_user *iam_user_by_id(const struct iam *iam, const char *id);
const struct iam_user *iam_user_by_email(const struct iam *iam,
    const char *email);
const struct iam_user *iam_root_user(const struct iam *iam);

/* The key that seals secrets and sessions, from the root user's password. */
const uint8_t *iam_seal(const struct iam *iam);
void iam_seal_key(uint8_t out[SEAL_KEY_BYTES], const char *root_password);
/* Append the secret of an access key from the text it is kept as.  Errors:
 * EC_ECORRUPT (sealed by another key), EC_ENOMEM, EC_ELIMIT. */
enum err iam_secret_open(struct buf *out, const uint8_t seal[SEAL_KEY_BYTES],
    const char *id, const char *text);

/* A policy that is always there: "readonly", "readwrite", "writeonly"; its
 * document, or NULL. */
const char *iam_builtin(const char *name);

#endif
