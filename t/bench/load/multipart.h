/* multipart: objects of several parts, one after the other, the parts of one at
 * the same time.  For plan. */
#ifndef LOAD_MULTIPART_H
#define LOAD_MULTIPART_H

#include "conn.h"

struct multipart;

enum err multipart_new(struct multipart **out, const struct target *t,
    const char *bucket, uint64_t size, uint64_t part, unsigned run);
void multipart_free(struct multipart *m);

/* As plan_next and plan_done. */
enum err multipart_next(struct multipart *m, struct request *out);
enum err multipart_done(struct multipart *m, const struct conn *c);

#endif
