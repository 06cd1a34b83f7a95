/* policy_model: policies and requests as plain values, what AWS's documents say
 * of them, and random ones.  Slow on purpose, and knows nothing of the server's
 * code: what a test compares with.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements
 * .html, ..._condition_operators.html, ..._multi-value-conditions.html,
 * ..._variables.html */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	MODEL_PARTS = 3, MODEL_LIST = 3, MODEL_STATEMENTS = 4,
	MODEL_CONDITIONS = 3, MODEL_VALUES = 3,
};

/* Who asks.  Ann owns the bucket; mel is a member, who owns nothing. */
enum model_user { MODEL_ANONYMOUS, MODEL_ROOT, MODEL_ANN, MODEL_BOB,
	MODEL_MEL, MODEL_USERS };
extern const char *const model_names[MODEL_USERS], *const
    model_ids[MODEL_USERS];

/* Text of a policy: pieces, of which some are variables. */
enum model_piece { PIECE_NONE, PIECE_TEXT, PIECE_USERNAME,
	PIECE_USERNAME_OR_ELSE,		/* ${aws:username, 'else'} */
	PIECE_STAR, PIECE_MARK, PIECE_DOLLAR };	/* ${*} ${?} ${$} */
struct model_text {
	struct {
		enum model_piece kind;
		const char *text;
	} part[MODEL_PARTS];
};

/* The keys of conditions, each of one type; the last has many values. */
enum model_key { KEY_PREFIX, KEY_MAX_KEYS, KEY_TIME, KEY_IP, KEY_SECURE,
	KEY_ARN, KEY_TAGS, MODEL_KEYS };
union model_value {
	const char *text;	/* PREFIX, ARN, TAGS */
	int64_t number;		/* MAX_KEYS; TIME in seconds; SECURE 0 or 1 */
	uint32_t address;
};

enum model_operator { OP_EQUALS, OP_EQUALS_FOLDED, OP_LIKE, OP_NUMBER, OP_DATE,
	OP_BOOL, OP_IP, OP_ARN, OP_NULL };
enum model_relation { REL_IS, REL_IS_NOT, REL_LESS, REL_LESS_OR_IS, REL_MORE,
	REL_MORE_OR_IS };
enum model_set { SET_ONE, SET_FOR_ALL, SET_FOR_ANY };

struct model_condition {
	enum model_set set;
	enum model_operator op;
	enum model_relation relation;
	bool if_exists;
	enum model_key key;
	unsigned n;
	struct {
		struct model_text text;
		union model_value v;	/* and if OP_NULL: number 0 or 1 */
		unsigned bits;		/* OP_IP */
	} want[MODEL_VALUES];
};

enum model_who { WHO_ALL, WHO_AWS_ALL, WHO_USER, WHO_ACCOUNT, WHO_ACCOUNT_ROOT,
	WHO_OWN_ROOT, WHO_CANONICAL, WHO_SERVICE };
struct model_principal {
	enum model_who who;
	enum model_user user;
};

struct model_statement {
	bool allow, not_who, not_action, not_resource;
	unsigned whos, actions, resources, conditions;
	struct model_principal who[MODEL_LIST];	/* of buckets' policies */
	const char *action[MODEL_LIST];
	struct model_text resource[MODEL_LIST];
	struct model_condition condition[MODEL_CONDITIONS];
};

struct model_policy {
	bool of_bucket, variables;	/* of Version 2012-10-17 */
	unsigned n;
	struct model_statement statement[MODEL_STATEMENTS];
};

struct model_request {
	enum model_user user;
	const char *action, *resource;
	unsigned count[MODEL_KEYS];	/* 0: the key is not there */
	union model_value value[MODEL_KEYS][MODEL_VALUES];
};

/* What the policy says: denied before allowed. */
void model_says(const struct model_policy *p, const struct model_request *rq,
    bool *allows, bool *denies);
bool model_is_public(const struct model_policy *p);

/* A random one; of ${state}, which moves on. */
void model_policy_random(struct model_policy *p, bool of_bucket,
    uint64_t *state);
void model_request_random(struct model_request *rq, uint64_t *state);
unsigned model_any(uint64_t *state, unsigned n);	/* 0 .. n - 1 */

/* The policy in JSON; a text of it as it is written there. */
void model_print(struct buf *out, const struct model_policy *p);
void model_text_print(struct buf *out, const struct model_text *t);

/* Value ${i} of a key of conditions by its name (a policy_value, of a struct
 * model_request), as a request has it. */
const char *model_value_text(void *ctx, const char *key, unsigned i);
extern const char *const model_keys[MODEL_KEYS];

#endif
