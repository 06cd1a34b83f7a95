/* object_lock_rule: a bucket's object lock: on, and how long new versions are
 * kept.  Stored as "Enabled" or "Enabled GOVERNANCE 5 Days". */
#ifndef OBJECT_LOCK_RULE_H
#define OBJECT_LOCK_RULE_H

#include <stdbool.h>
#include <stdint.h>

struct object_lock_rule {
	char mode[16];
	unsigned days, years;	/* one of them is not 0 */
};

/* false: there is no default retention. */
bool object_lock_rule_parse(struct object_lock_rule *out, const char *text);

/* Until when a version of ${now_s} is kept. */
int64_t object_lock_rule_until(const struct object_lock_rule *r,
    int64_t now_s);

#endif
