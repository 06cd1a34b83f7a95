/* iam_doc: the document that users, keys, groups and policies are kept in, one
 * object of the system's bucket, and its changes.
 *
 *	{ "format": 1, "users": { NAME: USER }, "groups": { NAME: GROUP },
 *	  "policies": { NAME: POLICY }, "keys": { ID: KEY } }
 *
 * A user has "id", "display", "email", "enabled", "member", "groups"; users and
 * groups have "attached", names of policies, and "inline", { NAME: POLICY }; a
 * key has "user", "secret" (sealed, in base64), "enabled", "expires" (seconds
 * since 1970, 0: never) and may have a "policy".
 */
#ifndef IAM_DOC_H
#define IAM_DOC_H

#include <jansson.h>

#include "iam.h"
#include "system_bucket.h"

#define IAM_KEY "iam"

enum { IAM_STATE_BYTES = RECORD_ETAG_MAX + 1 };

/* Its text as it is now, "" when nothing was ever written; *${state} changes
 * whenever it does.  Errors: as store_get_open. */
enum err iam_doc_read(struct store *st, struct buf *out,
    char state[IAM_STATE_BYTES]);
/* Only the state: "" when nothing was ever written. */
enum err iam_doc_state(struct store *st, char state[IAM_STATE_BYTES]);

/* Read it, let ${change} work on it, write it, unless another has written
 * meanwhile: then once more.  Durable on return.  Errors: of ${change} (then
 * nothing was written), EC_EFORMAT, EC_ELIMIT, of the store. */
enum err iam_doc_change(struct store *st,
    enum err (*change)(void *ctx, json_t *doc), void *ctx);

/* A document without content, or NULL; and the one of a text. */
json_t *iam_doc_new(void);
enum err iam_doc_parse(json_t **out, const char *text, size_t len);

/* Changes; each logs what it refuses.  Errors: EC_EINVAL (a name or value),
 * EC_EEXIST, EC_ENOTFOUND, EC_ENOMEM. */
struct iam_doc_user {
	const char *name, *id, *display, *email;	/* NULL: made up */
	bool member;
};
enum err iam_doc_user_add(json_t *doc, const struct iam_doc_user *u);
enum err iam_doc_user_remove(json_t *doc, const char *name);
enum err iam_doc_group_add(json_t *doc, const char *name);
enum err iam_doc_group_remove(json_t *doc, const char *name);
enum err iam_doc_join(json_t *doc, const char *user, const char *group,
    bool leave);

/* ${id} and ${secret} are what the key gets; ${policy} NULL: none. */
struct iam_doc_key {
	const char *id, *secret, *user;
	const char *policy;
	int64_t expires_s;
};
enum err iam_doc_key_add(json_t *doc, const struct iam_doc_key *k,
    const char *root_user, const uint8_t seal[SEAL_KEY_BYTES]);
enum err iam_doc_key_remove(json_t *doc, const char *id);
/* Seal with ${seal} what is sealed with ${old}.  EC_EINVAL: a secret opens with
 * neither. */
enum err iam_doc_reseal(json_t *doc, const uint8_t old[SEAL_KEY_BYTES],
    const uint8_t seal[SEAL_KEY_BYTES]);

enum iam_doc_on { IAM_ON_USER, IAM_ON_GROUP, IAM_ON_KEY };
/* Disable or enable a user or key. */
enum err iam_doc_enable(json_t *doc, enum iam_doc_on on, const char *name,
    bool enabled);
/* A policy of its own, to be attached. */
enum err iam_doc_policy_set(json_t *doc, const char *name, const char *text,
    size_t len);
enum err iam_doc_policy_remove(json_t *doc, const char *name);
enum err iam_doc_attach(json_t *doc, enum iam_doc_on on, const char *name,
    const char *policy, bool detach);
/* One in line; ${text} NULL removes it. */
enum err iam_doc_inline(json_t *doc, enum iam_doc_on on, const char *name,
    const char *policy, const char *text, size_t len);

/* Names: 1 to IAM_NAME_MAX of letters, digits and + = , . @ - _ $. */
bool iam_name_valid(const char *name);
/* Key ids are without = and comma, which separate in signatures. */
bool iam_key_id_valid(const char *id);

#endif
