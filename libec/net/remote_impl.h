/* remote_impl: what the files of remote_drive share. */
#ifndef REMOTE_IMPL_H
#define REMOTE_IMPL_H

#include "net/remote_drive.h"

enum { REMOTE_CALL_MS = 10000 };

struct remote {
	struct drive d;
	struct peer *peer;
	struct uuid uuid;
	char id[UUID_TEXT_BYTES];
	char name[];
};

/* "Ec-Wire" and NULL. */
extern const char *const remote_headers[];

/* What a finished call means, ${e} being that of the way. */
enum err remote_outcome(struct http_call *call, enum err e);

/* Operations of the table that are parts of a batch. */
enum err remote_append(struct drive *d, struct drive_append *a, unsigned n);
enum err remote_query(struct drive *d, const struct drive_query *q,
    struct drive_records *out);
void remote_together(const struct drive_job jobs[], unsigned n,
    drive_job_done *done, void *ctx);

#endif
