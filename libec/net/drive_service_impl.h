/* drive_service_impl: what the files of drive_service share. */
#ifndef DRIVE_SERVICE_IMPL_H
#define DRIVE_SERVICE_IMPL_H

#include "base/mem.h"
#include "drive/lane.h"
#include "net/drive_service.h"
#include "net/peer.h"
#include "net/wire.h"

enum {
	SERVICE_WAIT_MS = 30000,	/* for one call on a lane */
	SERVICE_PIECE_BYTES = 128 * 1024,	/* of a shard being written */
	SERVICE_READS_BYTES = 64 << 20,	/* kept for shards being read */
};

/* A request's target, taken apart:
 * /.ec/drive/DRIVE/OP[/DATA-INDEX[?[from=N&]bytes=N]] */
struct service_target {
	struct uuid drive;
	char op[16];
	bool shard;			/* the following are there */
	struct uuid data;
	unsigned index;
	uint64_t from, bytes;
};

/* The arguments and results of one call on a drive, in memory of their own, for
 * the caller may have left when a hung call returns. */
struct service_job {
	struct wire_query query;
	struct drive_records records;
	struct uuid data;		/* a shard file */
	unsigned index;
	uint64_t off;
	size_t len;
	uint8_t *bytes;			/* of it, or of a note */
	struct mem_pool *pool;		/* they are from there; NULL: malloc */
	struct uuid after;		/* a list of them */
	unsigned max, n;
	struct drive_shard_info *shards;
	struct format format;
	char note[DRIVE_NOTE_NAME_MAX + 1];
	uint64_t numbers[9];
};

struct service_job *service_job_new(void);
void service_job_drop(void *job);

/* Run ${run} with ${job} on ${l} and wait.  The job is dropped with ${*call},
 * to lane_call_put; with an error it must not be looked at. */
enum err service_run(struct lane *l, lane_run *run, struct service_job *job,
    struct lane_call **call);

/* The lane of a drive, counted until it is given back; NULL: it has none, and
 * nothing is to be given back. */
struct lane *service_use_lane(struct drive_service *s, const struct uuid *id);
void service_unuse_lane(struct drive_service *s, const struct uuid *id);

/* Answer with ${e} by name. */
void service_refuse(struct peer_request *r, enum err e);

/* Serve a request whose body was read.  service_op: false if ${t} is no
 * operation that is one job; then nothing was answered. */
bool service_op(struct peer_request *r, struct lane *l,
    const struct service_target *t);
void service_batch(struct peer_request *r, struct drive_service *s);
void service_shard_get(struct peer_request *r, struct lane *l,
    const struct service_target *t);

/* And one whose body is streamed. */
void service_shard_put(struct peer_request *r, struct lane *l,
    const struct service_target *t);

#endif
