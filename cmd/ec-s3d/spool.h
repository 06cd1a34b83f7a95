/* spool: the body of a request, kept on the drives as an object of the system's
 * bucket, so that it is worked on only when all of it has come and was found
 * good.  A server that is killed leaves it; one that makes a spool removes
 * those older than a day. */
#ifndef SPOOL_H
#define SPOOL_H

#include "call.h"

struct spool {
	struct store *store;
	struct get *get;
	struct object o;
	char key[32];		/* "": there is none */
	uint64_t at;
};
#define SPOOL_INIT { .o = OBJECT_INIT }

/* Take all of ${b}; spool_release in every case.  Errors: of the body and the
 * store. */
enum s3_error spool_fill(struct call *c, struct body *b, struct spool *out);
void spool_release(struct spool *s);

/* From its beginning again. */
void spool_rewind(struct spool *s);
/* Up to ${max} bytes more, *${got} 0 at the end; ${ctx} is a spool. */
enum err spool_read(void *ctx, void *buf, size_t max, size_t *got);

#endif
