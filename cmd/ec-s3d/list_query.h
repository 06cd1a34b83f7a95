/* list_query: what all listings share: prefix, delimiter, encoding. */
#ifndef LIST_QUERY_H
#define LIST_QUERY_H

#include "call.h"

struct list_query {
	struct call *call;
	const char *prefix;	/* "" if none */
	const char *delimiter;	/* NULL if none */
	bool url;		/* encoding-type=url */
	unsigned parity;	/* that STANDARD has */
};

/* Errors: S3_INVALID_ARGUMENT. */
enum s3_error list_query_parse(struct call *c, struct list_query *q);

/* An element whose text is a key or a part of one, encoded if asked for. */
void list_query_text(struct xml *x, const struct list_query *q,
    const char *name, const char *text);

#endif
