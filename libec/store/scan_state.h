/* scan_state: how far a scan of a store is.  It is kept as a note on the
 * drives (drive.h), so that it outlives the process and a later one goes on. */
#ifndef SCAN_STATE_H
#define SCAN_STATE_H

#include "store/store.h"

enum scan_phase {
	SCAN_IDLE,		/* there never was one */
	SCAN_RUNNING,
	SCAN_PAUSED,		/* to be continued */
	SCAN_FINISHED,
	SCAN_STOPPED,		/* by hand; not to be continued */
};

struct scan_state {
	enum scan_phase phase;
	char reason[64];	/* why it is paused or stopped; "" */
	char id[STAMP_TEXT_BYTES];	/* of the pass */
	char host[64];		/* where its process runs or ran */
	bool deep;
	bool known;		/* only what is in the heal queue */
	uint64_t only_pool;	/* its number, + 1; 0: all */
	uint64_t only_set;	/* of them all, 1 the first; 0: all */
	char drive[256];	/* its name as status has it; "": all */
	char bucket[RECORD_BUCKET_MAX + 1];	/* what it is confined to ... */
	char prefix[RECORD_KEY_MAX + 1];
	uint64_t since_us;	/* ... as scan.h */
	uint64_t began_us, saved_us;	/* real time */
	uint64_t active_us;	/* time spent at work, over all slices */
	uint64_t finished_us;	/* when the last whole pass was done; 0 */
	unsigned set;		/* at work on this one, ... */
	struct scan_result r;	/* ... behind r.at_key */
	uint64_t total;		/* versions there were at its begin; 0: ? */
	enum err worst;		/* of what was found */
};

/* The newest that any drive has; SCAN_IDLE if none has one.  A scan that runs
 * but was not saved for SCAN_STATE_SILENT_S is given as paused: its process is
 * gone.  Errors: EC_EQUORUM (no drive answers), EC_ENOMEM. */
enum { SCAN_STATE_SILENT_S = 60 };
enum err scan_state_load(struct scan_state *out, struct store *st);

/* Keep it on all drives that are there; saved_us becomes now.
 * Errors: EC_EQUORUM (no drive took it), EC_ENOMEM. */
enum err scan_state_save(struct scan_state *s, struct store *st);

/* Ask the process that runs the pass ${id}, wherever it is, to leave off: to
 * SCAN_PAUSED or SCAN_STOPPED.  Errors: as save. */
enum err scan_state_want(struct store *st, const char *id,
    enum scan_phase want);
/* What was asked of ${id}; SCAN_RUNNING: nothing. */
enum scan_phase scan_state_wanted(struct store *st, const char *id);

/* "idle", "running", "paused", "finished", "stopped". */
const char *scan_state_text(enum scan_phase p);

/* Microseconds until it is done at the pace so far; 0: not known. */
uint64_t scan_state_left_us(const struct scan_state *s);

/* For people, two lines as zpool's "scan:"; and as members of a JSON object. */
enum err scan_state_print(struct buf *out, const struct scan_state *s);
/* The pass that ended, as metrics for a file that node_exporter reads. */
enum err scan_state_metrics(struct buf *out, const struct scan_state *s,
    int exit_status);
enum err scan_state_json(struct buf *out, const struct scan_state *s);

#endif
