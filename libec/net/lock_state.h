/* lock_state: who holds and who waits for which name at one lock daemon: its
 * votes.  Pure but for memory: time is an argument (of a clock that never goes
 * back), and so is the number that no stamp may pass.
 *
 * A holder has a lease, which each ask renews; when it runs out the vote is
 * free.  A waiter is dropped when it did not ask for a third of a lease.
 * Stamps rise with each ask and grant of a name, past all that anybody has
 * shown: they are the tickets of the queue and the fencing tokens. */
#ifndef LOCK_STATE_H
#define LOCK_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/uuid.h"
#include "net/lock_queue.h"

enum {
	LOCK_NAME_MAX = 1280,	/* bytes; none is NUL */
	LOCK_OWNER_MAX = 127,
};
/* No stamp is larger: the clock of whoever made it is broken. */
#define LOCK_STAMP_MAX (UINT64_MAX - (UINT64_C(1) << 40))

struct lock_state;

struct lock_state_params {
	uint64_t lease_us;	/* 1 s .. 1 h */
	uint64_t grace_us;	/* until this time nothing new is granted, for
				 * what was granted before a restart may still
				 * be held; holders are taken back */
	uint64_t floor;		/* stamps are above */
	size_t places_max;	/* holders and waiters */

	/* Called before the first stamp above ${ceiling}, and then above what
	 * it returned: after a restart floor must be that much.  A result
	 * below ${stamp}: it failed, and so does the ask. */
	uint64_t ceiling;
	uint64_t (*raise)(void *ctx, uint64_t stamp);
	/* The places of ${session} have changed, or the last is gone. */
	void (*wake)(void *ctx, const struct uuid *session);
	/* A place of this process (lock_state_enter) was granted. */
	void (*granted)(void *ctx, void *own);
	/* Another process gives up a vote for the write lock ${name}, which
	 * nobody else has yet; or NULL. */
	void (*written)(void *ctx, const char *name);
	void *ctx;
};

enum lock_flags {
	LOCK_ASK_WRITE = 1,
	LOCK_ASK_HELD = 2,	/* the asker holds the lock by a quorum */
	LOCK_ASK_YIELD = 4,	/* give the vote back to who was first */
	LOCK_ASK_TICKET = 8,	/* ticket is final, not a proposal */
	LOCK_ASK_ALL = 15,
};

/* "I want or hold ${name}": asked again and again under the same id. */
struct lock_ask {
	struct uuid session;	/* who is told of changes */
	struct uuid id;		/* of this request for the lock */
	uint32_t seq;		/* rises; a lower one is late: ignored */
	unsigned flags;
	uint64_t ticket;
	uint64_t token;		/* the lock's fencing token when known; or 0 */
	const char *name;
	const char *owner;	/* for people */
};

enum lock_vote_state {
	LOCK_VOTE_NONE,		/* refused: no room, nonsense, or released */
	LOCK_VOTE_WAITING,
	LOCK_VOTE_GRANTED,
	LOCK_VOTE_LATER,	/* not noted: in the grace after a start */
	LOCK_VOTE_STATES
};

struct lock_vote {
	struct uuid id;
	uint32_t seq;		/* of the last ask that was heeded */
	uint32_t rev;		/* rises with each change: of two votes
				 * with one seq the higher is the later */
	enum lock_vote_state state;
	bool wanted;		/* granted, but somebody was first: yield
				 * unless there is a quorum */
	uint64_t stamp;		/* granted: a token; else the ticket */
};

/* Errors: EC_ENOMEM, EC_EINVAL. */
enum err lock_state_new(struct lock_state **out,
    const struct lock_state_params *p);
void lock_state_free(struct lock_state *s);

void lock_state_ask(struct lock_state *s, uint64_t now_us,
    const struct lock_ask *a, struct lock_vote *out);

/* The request ${id} is over.  If it is not known it is remembered for a while,
 * so that an ask which comes late does not bring it back. */
void lock_state_release(struct lock_state *s, uint64_t now_us,
    const char *name, const struct uuid *id);

/* Drop what has run out; returns when to call next at the latest. */
uint64_t lock_state_expire(struct lock_state *s, uint64_t now_us);

/* The places of ${session} that changed since it was last told, at most
 * ${max}. */
size_t lock_state_changed(struct lock_state *s, const struct uuid *session,
    struct lock_vote *out, size_t max);
bool lock_state_knows(struct lock_state *s, const struct uuid *session);

/* The session's process is gone: drop where it waits.  What it holds stays
 * until its lease runs out, for a cut connection does not prove that nobody
 * works under the lock any more. */
void lock_state_drop_waiters(struct lock_state *s, uint64_t now_us,
    const struct uuid *session);

/* A place of the daemon's own process: it has no lease, and whoever has it
 * knows from ${granted} when it is granted, if not at once (then p->granted is
 * set).
 * NULL: no memory, or no room. */
struct lock_place *lock_state_enter(struct lock_state *s, uint64_t now_us,
    const char *name, bool write, void *own);
uint64_t lock_state_token(const struct lock_place *p);

/* Give it up.  No stamp made under it passed ${stamp}. */
void lock_state_leave(struct lock_state *s, uint64_t now_us,
    struct lock_place *p, uint64_t stamp);

/* Does anybody hold anything? */
bool lock_state_idle(const struct lock_state *s);

struct lock_info {
	const char *name, *owner;
	struct uuid id;
	bool write, granted, held;
	uint64_t stamp;
	uint64_t since_us;	/* granted, or began to wait, so long ago */
	uint64_t left_us;	/* until it runs out */
};
void lock_state_list(const struct lock_state *s, uint64_t now_us,
    void (*each)(void *ctx, const struct lock_info *i), void *ctx);

#endif
