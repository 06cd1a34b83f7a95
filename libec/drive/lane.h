/* lane: a drive as sets use it: its own threads, a deadline for every call,
 * one flush for many appends, and a state.
 *
 * Appends queue up and go to the drive in batches: while one is being flushed
 * the next one forms; never a timer.  Those of drives of one host go there
 * together.  Other calls run on a few threads that
 * are started on demand.  A caller waits for several drives with a gather and
 * may leave slow ones behind: a call that was left goes on in its thread,
 * holding its own memory, and its result is dropped.
 *
 * State.  EC_EOFFLINE, EC_EIO, EC_EROFS, or a call under way for longer than
 * LANE_STUCK_MS, make the lane suspect: calls fail at once with EC_EOFFLINE,
 * except a probe, made every LANE_PROBE_MS, that brings it back.  Of a drive
 * that failed by itself (EC_EIO, EC_EROFS) the probe writes something and reads
 * it, and when it fails again within a minute the next probe comes after 2 s,
 * then 4, up to 64. */
#ifndef LANE_H
#define LANE_H

#include <stdbool.h>

#include "drive/drive.h"

enum {
	LANE_THREADS_MAX = 8,		/* for calls other than append */
	LANE_BATCH_MAX = 256,		/* records in one batch */
	LANE_STUCK_MS = 3000,
	LANE_PROBE_MS = 1000,
	LANE_FREE_MS = 5000,
	LANE_CHAIN_MAX = 16,
	LANE_CLASSES = 8192,		/* that keys fall into, see lane_mark */
};

enum lane_state { LANE_ONLINE, LANE_SUSPECT, LANE_ABSENT };

struct lane;

/* ${d} becomes the lane's, which closes it.  NULL: a slot without a drive
 * (every call fails with EC_EOFFLINE) until lane_attach.
 * ${name} is kept as a copy.  Errors: EC_ENOMEM. */
enum err lane_new(struct lane **out, struct drive *d, const char *name);

/* Wait for calls queued and under way, then close the drive and free.  A hung
 * call is waited for LANE_FREE_MS; then what it uses, the drive too, is left
 * to its thread, which frees it if it ever returns.  NULL is fine. */
void lane_free(struct lane *l);

/* Give an absent lane a drive: online.  Errors: EC_EEXIST (it has one),
 * EC_ENOMEM; then ${d} stays the caller's. */
enum err lane_attach(struct lane *l, struct drive *d);

/* To absent.  Calls queued fail with EC_EOFFLINE; the drive is closed when the
 * calls under way are done and all calls started on it are put. */
void lane_detach(struct lane *l);

enum lane_state lane_state(const struct lane *l);
const char *lane_name(const struct lane *l);
bool lane_local(const struct lane *l);

/* What its drive lacks says nothing: format.h filling.  Whoever gives it a
 * drive says so first; set/filling.h keeps it up to date. */
bool lane_filling(const struct lane *l);
void lane_set_filling(struct lane *l, bool filling);

/* Has what the drive knows of a key changed?  Two marks of the key's class, one
 * taken before a question was put and one later, say that the answer would
 * still be the same, if they are equal and not 0.  Other keys of its class make
 * them differ, too.  0: it cannot be said, for the lane is not online, or its
 * drive not local or not filled, or an append of that class is under way. */
uint64_t lane_mark(const struct lane *l, unsigned class);
unsigned lane_key_class(const char *bucket, const char *key);

/* How long a call, and a batch of appends, takes here: the learnt mean and four
 * mean deviations (RFC 6298), so that later is late; 0 before the first. */
uint64_t lane_latency_us(const struct lane *l);	/* lane_start, lane_call */
uint64_t lane_commit_us(const struct lane *l);	/* lane_append */
/* Why it is not online, and since when (real time, 0 if online). */
enum err lane_why(const struct lane *l, uint64_t *since_us);
void lane_counters(const struct lane *l, uint64_t *errors, uint64_t *corrupt);
void lane_count_corrupt(struct lane *l);	/* a hash of its did not hold */

/* Waiting for calls on several lanes. */
struct gather;
enum err gather_new(struct gather **out);	/* EC_ENOMEM */
/* Wait until ${n} of the calls started with it are done, or all, or the
 * deadline (clock_mono_us) is past.  Returns how many are done. */
unsigned gather_wait(struct gather *g, unsigned n, uint64_t deadline_us);
void gather_free(struct gather *g);	/* drops the calls not done */

/* A call: reference-counted, so that a left one stays valid for its thread.
 * ${run} does the work on the lane's thread with the drive and the call's own
 * memory ${arg}; ${drop} frees ${arg} when the last reference goes. */
struct lane_call;
typedef enum err lane_run(struct drive *d, void *arg);
typedef void lane_drop(void *arg);

/* Start ${run} on the lane, as part of ${g} (NULL: nobody waits).  The caller
 * holds a reference, to lane_call_put; ${out} NULL: it holds none.  The drive
 * stays open until arg was dropped.  Fails only with EC_ENOMEM; then arg was
 * dropped. */
enum err lane_start(struct lane *l, struct gather *g, lane_run *run,
    lane_drop *drop, void *arg, struct lane_call **out);

/* As lane_start for several lanes, each another, at the price of one change of
 * threads: calls on local drives are run one after the other by one thread of
 * its own, or by a thread of their lane that is at work anyway.  Meant for what
 * memory answers: lane_chain_wait, which is to be called next, sends all that
 * has not been done after a millisecond to threads of the lanes, so that one
 * drive cannot hold up another.  A call is the caller's to put; NULL: ENOMEM,
 * its argument was dropped.  Tasks without a lane are left out. */
struct lane_task {
	struct lane *lane;
	lane_run *run;
	lane_drop *drop;
	void *arg;
	struct lane_call *call;		/* out */
	/* If all that run does is this query, which leads into arg: those of
	 * drives of one host go there in one message. */
	const struct drive_query *query;
	struct drive_records *records;
};
void lane_chain_start(struct lane_task t[], unsigned n, struct gather *g);
/* And gather_wait; up to 20 ms longer while no thread has come to the chain. */
unsigned lane_chain_wait(const struct lane_task t[], unsigned n,
    struct gather *g, unsigned want, uint64_t deadline_us);

/* Calls of one series run one at a time, in the order they were started; for
 * the writes of one shard file.  After a call has failed, later ones of the
 * series fail with the same error without running.  A series belongs to the
 * drive the lane had when it was made, and is freed before the lane. */
struct lane_series;
enum err lane_series_new(struct lane_series **out, struct lane *l);
void lane_series_free(struct lane_series *s); /* its calls go on */
enum err lane_series_start(struct lane_series *s, struct gather *g,
    lane_run *run, lane_drop *drop, void *arg, struct lane_call **out);
/* The last call of a series, for cleaning up: runs after all others, whether
 * they failed or not, on a suspect and even a detached lane, too.  If nothing
 * could ever run (no drive) it is only dropped.  Errors: EC_ENOMEM. */
enum err lane_series_end(struct lane_series *s, lane_run *run,
    lane_drop *drop, void *arg);
/* Calls handed in and not yet done, for bounds. */
unsigned lane_series_pending(const struct lane_series *s);

/* Append 1 .. LANE_BATCH_MAX records (copied) through the lane's batch, all in
 * one; flags as in drive_append.  The results are in the call; with an error of
 * the whole batch it is unknown whether they are durable.
 * Errors: EC_EINVAL, EC_ENOMEM; then nothing was started. */
enum err lane_append(struct lane *l, struct gather *g,
    const struct drive_append *a, unsigned n, struct lane_call **out);

/* The same for several lanes, each another: lane_append_post queues them, and
 * lane_post_send, which must follow, sends them on their way; those for drives
 * of one host in one message.  ${out} NULL: nobody looks at it.  The structs
 * are for lane*.c. */
struct lane_letter {
	struct lane *lane;		/* with a reference, if with a host */
	const void *host;		/* NULL: only its thread is to be
					 * woken */
	struct lane_worker *worker;	/* takes its appends; NULL: a query */
	struct lane_call *call;
	const struct drive_query *query;
	struct drive_records *records;
};
struct lane_post {
	unsigned n;
	struct lane_letter letter[LANE_CHAIN_MAX];
};
enum err lane_append_post(struct lane_post *p, struct lane *l,
    struct gather *g, const struct drive_append *a, unsigned n,
    struct lane_call **out);
void lane_post_send(struct lane_post *p);

/* true when the call is done; then its result and, for lane_append, the
 * appends with theirs, or none if there was no memory for them.  A call that
 * hangs is done with EC_ETIMEDOUT after LANE_STUCK_MS, though its thread may
 * still work on it and, if it was an append, may still make it durable.  The
 * argument of lane_start is safe to look at only when done, and not with
 * EC_ETIMEDOUT. */
bool lane_call_done(const struct lane_call *c, enum err *err);
void *lane_call_arg(struct lane_call *c);
const struct drive_append *lane_call_appends(const struct lane_call *c,
    unsigned *n);
void lane_call_put(struct lane_call *c);	/* NULL is fine */

/* The common case: run on one lane and wait at most ${timeout_ms}.
 * Errors: the call's, EC_ETIMEDOUT. */
enum err lane_call(struct lane *l, lane_run *run, lane_drop *drop, void *arg,
    unsigned timeout_ms);

#endif
