/* write_condition: what must hold of what is there when a write commits:
 * If-None-Match, If-Match and, of deletes, x-amz-if-match-size and
 * x-amz-if-match-last-modified-time. */
#ifndef WRITE_CONDITION_H
#define WRITE_CONDITION_H

#include "call.h"

struct write_condition {
	const char *match, *none;	/* etags or "*"; NULL: none */
	bool sized, timed;
	uint64_t size;
	int64_t mtime;		/* seconds */
};

/* From the headers of the request, which it leads into; ${delete} if it is
 * one.  Errors: S3_NOT_IMPLEMENTED (If-None-Match of a delete),
 * S3_INVALID_ARGUMENT. */
enum s3_error write_condition_from(struct call *c, struct write_condition *w,
    bool delete);

/* Does it hold of ${now} (NULL: nothing there)?  A check of struct
 * store_condition, ${ctx} a struct write_condition.  Errors: EC_ECONFLICT,
 * EC_ENOTFOUND (there should be something). */
enum err write_condition_check(void *ctx, const struct object *now);

/* True when there is anything to check. */
bool write_condition_any(const struct write_condition *w);

#endif
