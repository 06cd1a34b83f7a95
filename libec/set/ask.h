/* ask: one question to all drives of a set, and what each of them said. */
#ifndef ASK_H
#define ASK_H

#include "set/resolve.h"
#include "set/set.h"

enum { ASK_NEWEST = 4 };	/* records of a key with newest_only, drive.h */

struct answer {
	bool done;
	enum err err;		/* EC_OK: rec[0 .. n) are its records */
	bool cut;		/* as many as asked for: there may be more */
	struct record *rec;	/* lead into the call's memory */
	struct record_part **parts;	/* owned, one for each */
	unsigned n, cap;
	struct lane_call *call;
};

struct question;

struct ask {
	struct set *s;
	struct gather *g;
	struct question *question;
	uint64_t started_us;
	unsigned limit;		/* of the query: so many may be cut off */
	struct answer answer[SET_DRIVES_MAX];
	struct lane_task task[SET_DRIVES_MAX];	/* of a chain, until waited */
	unsigned tasks;
};
#define ASK_INIT { .s = NULL }

/* Put the question to all drives; ${q} and its strings are copied.  ${a} is
 * ASK_INIT and to be released in any case.  Errors: EC_ENOMEM. */
enum err ask_start(struct ask *a, struct set *s, const struct drive_query *q);

/* The same at the price of one change of threads, when memory answers: for
 * questions about one key (lane_chain_start). */
enum err ask_chain(struct ask *a, struct set *s, const struct drive_query *q);

/* The same to as few drives as can settle it when all is well; those with data
 * shards of the key, or, when it is not for data, those nearby.  The others are
 * silent until ask_rest.  Returns how many through ${asked}. */
enum err ask_few(struct ask *a, struct set *s, const struct drive_query *q,
    unsigned *asked);
enum err ask_rest(struct ask *a);

/* Wait until ${want} drives have answered or failed, or ${deadline_us}; take in
 * what is there.  Returns how many have. */
unsigned ask_wait(struct ask *a, unsigned want, uint64_t deadline_us);

/* When those that have not answered are late: by what was learnt of them. */
uint64_t ask_late_us(const struct ask *a);
/* When it is worth asking others, too: sooner. */
uint64_t ask_hedge_us(const struct ask *a);

/* As the input of resolve_key, for a question about one key. */
void ask_input(const struct ask *a, struct resolve_input in[]);

/* The drives' results, those not done as EC_ETIMEDOUT; and how many have none
 * to give. */
unsigned ask_results(const struct ask *a, enum err results[]);
/* The same with those as EC_EDEGRADED whose word on what they lack counts for
 * nothing. */
unsigned ask_not_telling(const struct ask *a, enum err results[]);

/* What was left behind goes on by itself. */
void ask_release(struct ask *a);

/* Put the question and wait for all, but for late ones only until fewer than
 * quorum_meta are silent; with ${few}, to all only when not enough of a few
 * answer.  Errors: EC_EQUORUM (with a complaint of ${what}), EC_ENOMEM. */
enum err ask_most(struct ask *a, struct set *s, const struct drive_query *q,
    bool few, const char *what);

/* Wait for one answer more; false when no more can come in time. */
bool ask_more(struct ask *a);

/* The usual way: ask about one key, a few drives first, until its states can
 * be judged by ${judge}, which is called with more and more answers and says
 * EC_OK, or what is known with those.  EC_EQUORUM and EC_ENOTFOUND are waited
 * with, for drives that may still answer in time; and as long as a write takes
 * when one that is under way is what cannot be judged.  ${a} and ${r} are the
 * caller's to release; what judge found leads into them.  An answer that was
 * cut (EC_ELIMIT) is asked for again, larger.
 * Errors: of judge; EC_EQUORUM, EC_ENOMEM. */
typedef enum err ask_judge(const struct resolve *r, void *ctx);
enum err ask_key(struct ask *a, struct resolve *r, struct set *s,
    struct drive_query *q, ask_judge *judge, void *ctx);

#endif
