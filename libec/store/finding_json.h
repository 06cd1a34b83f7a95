/* finding_json: findings as JSON objects; for finding.c only. */
#ifndef FINDING_JSON_H
#define FINDING_JSON_H

#include "store/finding.h"

enum err finding_json_format(struct buf *out, const struct scan_finding *f);
enum err finding_json_healed(struct buf *out, const struct heal_report *r,
    bool dry);

/* Errors: EC_EINVAL; EC_ENOTFOUND (an object that is no finding). */
enum err finding_json_parse(struct finding *f, const char *line, size_t len);

/* finding.c: whether its bucket and key are valid names. */
enum err finding_check(const struct finding *f);

#endif
