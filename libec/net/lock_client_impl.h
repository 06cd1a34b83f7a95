/* lock_client_impl: what the files of lock_client share. */
#ifndef LOCK_CLIENT_IMPL_H
#define LOCK_CLIENT_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "net/lock_client.h"
#include "net/lock_wire.h"
#include "net/peer.h"

/* So many requests to a daemon at once: what is given back must not keep what
 * is asked for waiting. */
enum { LANE_ASKERS = 2 };

/* The vote of one daemon for one request, as far as it is known here. */
struct vote {
	TAILQ_ENTRY(vote) link;		/* in the lane's queue, if queued */
	struct request *r;
	struct lane *lane;
	bool queued, flying, again;	/* again: queue it when it has landed */
	bool asked;			/* the daemon may know of it */
	bool tried;			/* answered or failed */
	bool wanted, yield;
	enum lock_vote_state state;	/* NONE, WAITING, GRANTED */
	uint32_t seq;			/* of the last ask that was sent */
	uint32_t rev;			/* of the last answer to it */
	uint64_t stamp;
	uint64_t sent_us;		/* when that was */
	uint64_t good_us;		/* the last that was heeded was sent */
	uint64_t until_us;		/* the lease, less a margin */
	uint64_t retry_us;		/* not before */
};

/* One name that is wanted or held. */
struct request {
	TAILQ_ENTRY(request) link;
	struct uuid id;
	struct lock_client *client;
	struct lock_hold *hold;		/* NULL when over */
	bool write;
	bool final;			/* the ticket is */
	bool held, lost, over;
	bool contended;			/* somebody else has votes */
	uint64_t ticket, token;
	uint64_t start_us;
	struct vote votes[LOCK_PEERS_MAX];
	char name[];
};

/* A daemon: its threads, and what is to be told to it. */
struct lane {
	struct lock_client *client;
	struct peer *peer;		/* or: */
	struct lock_service *local;
	size_t index;
	pthread_t asker[LANE_ASKERS], watcher;
	unsigned askers, asking;	/* started; not ended */
	bool watcher_runs;
	pthread_cond_t work, look;	/* for askers and watcher */
	TAILQ_HEAD(, vote) queue;
	uint64_t lease_us;
	uint64_t down_until_us;
	unsigned failures;		/* in a row */
	enum err err;			/* of the last call */
	uint32_t grace_ms;		/* it said */
	unsigned flying;		/* requests under way ... */
	uint64_t flying_us;		/* ... without an answer since */
};

struct lock_hold {
	struct lock_client *client;
	void (*lost)(void *ctx);
	void *ctx;
	bool told;			/* that it may be lost */
	bool telling;
	pthread_cond_t changed;		/* held or not telling any more */
	size_t n;
	struct request *requests[LOCK_WANTS_MAX];	/* in order of wants */
};

struct lock_client {
	size_t n, quorum;
	struct uuid session;
	char owner[LOCK_OWNER_MAX + 1];
	pthread_condattr_t attr;
	pthread_t ticker;
	bool ticker_runs;
	atomic_bool cancel;		/* cut the watches */
	atomic_bool cut;		/* and all other calls */

	pthread_mutex_t lock;		/* guards what follows, and the lanes,
					 * requests and holds */
	pthread_cond_t tick;		/* for the ticker, and when stopping */
	bool stopping;
	uint64_t seen;			/* the highest stamp */
	TAILQ_HEAD(, request) requests;
	struct lane lanes[LOCK_PEERS_MAX];
};

/* All below are called with the lock, but for the threads. */

/* Send what is to be said about ${v} as soon as possible. */
void vote_queue(struct vote *v);

/* Take note of an answer, or that there is none (then NULL). */
void vote_answered(struct vote *v, const struct lock_vote *answer);

/* Free ${r} if it is over and nothing is left to be told. */
void request_drop_if_done(struct request *r);

/* Votes that count: granted, and their lease runs. */
size_t request_granted(const struct request *r, uint64_t now_us);

/* The time until which a quorum of them lasts; 0: there is none. */
uint64_t request_until(const struct request *r);

/* See what follows from the state of the votes. */
void request_evaluate(struct request *r);

uint64_t lock_client_now(void);		/* goes on while the host sleeps */

void *lane_ask(void *lane);
void *lane_watch(void *lane);
void *client_tick(void *client);

#endif
