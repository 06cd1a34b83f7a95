/* Who keeps the locks.
 *
 * Of a store on one machine: the process that opened the drives, or the first
 * of them if several did.  It keeps them for itself, and for the tools that use
 * the drives through it.
 * Of a store on several nodes: their servers (the first 15), each with a vote,
 * and a lock is what more than half have voted for.
 *
 * Of either with EC_LOCKD set: those lock daemons, and nobody else.
 *
 * A server that was killed has forgotten its votes: then it gives none for the
 * time of a lease, in which they may still be relied upon.  A file on its first
 * drive tells, which is there while it runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/lock_peers.h"
#include "store/config.h"
#include "store/store_impl.h"

#define MARK "/.ec/voting"

/* Another process changed a bucket. */
static void
written(void *ctx, const char *name)
{
	if (strchr(name, '/') == NULL)
		store_bucket_forget(ctx, name);
}

static void
owner_text(char out[LOCK_OWNER_MAX + 1])
{
	char host[65] = "";

	gethostname(host, sizeof(host) - 1);
	snprintf(out, LOCK_OWNER_MAX + 1, "%s:%d %s", host, (int)getpid(),
	    program_invocation_short_name);
}

/* The mark on the first drive that is there; NULL without one. */
static enum err
mark_path(char **out, struct cluster *c)
{
	const struct endpoints *es = cluster_endpoints(c);
	char *path = NULL;

	*out = NULL;
	for (unsigned i = 0; i < es->count && *out == NULL; i++) {
		if (!cluster_local(c, i))
			continue;
		if (asprintf(&path, "%s/.ec/format.json", es->at[i].path) == -1)
			return EC_ENOMEM;
		if (access(path, F_OK) == 0 &&
		    asprintf(out, "%s" MARK, es->at[i].path) == -1) {
			free(path);
			*out = NULL;
			return EC_ENOMEM;
		}
		free(path);
	}
	return EC_OK;
}

/* Was the last server here killed?  From now on it would be. */
static bool
mark(struct store *st)
{
	int fd;

	if (st->mark == NULL)
		return false;
	fd = open(st->mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1)
		return errno == EEXIST;
	close(fd);
	return false;
}

/* The client of the nodes' votes, of which one may be this process'. */
static enum err
nodes_client(struct store *st)
{
	const struct endpoints *es = cluster_endpoints(st->cluster);
	const char *self = cluster_self(st->cluster);
	char owner[LOCK_OWNER_MAX + 1];
	struct lock_client_params p = { .owner = owner,
	    .peers = (const char *const *)es->node, .n = es->nodes,
	    .auth = cluster_auth(st->cluster) };

	if (p.n > LOCK_PEERS_MAX)
		p.n = LOCK_PEERS_MAX;
	for (size_t i = 0; self != NULL && i < p.n; i++)
		if (strcmp(es->node[i], self) == 0) {
			p.local = cluster_locks(st->cluster);
			p.local_index = i;
		}
	owner_text(owner);
	return lock_client_new(&st->nodes, &p);
}

static enum err
node_votes(struct store *st)
{
	struct lock_service_params p = { .lease_s = STORE_LEASE_S,
	    .auth = cluster_auth(st->cluster) };
	enum err e;

	if ((e = mark_path(&st->mark, st->cluster)) != EC_OK)
		return e;
	if (!(p.no_grace = !mark(st)))
		log_info("killed before: no votes for locks for %d s",
		    STORE_LEASE_S);
	if ((e = cluster_locks_start(st->cluster, &p)) == EC_OK)
		st->locks = cluster_locks(st->cluster);
	return e;
}

/* The secret of the lock daemons ${l}, and who vouches for them. */
static enum err
lockd_secret(struct store *st, const struct lock_peers *l)
{
	char *secret = NULL, *ca = NULL;
	enum err e;

	if ((e = config_get("EC_SECRET", &secret)) != EC_OK ||
	    (e = config_get("EC_TLS_CA", &ca)) != EC_OK)
		goto out;
	if (secret != NULL)
		e = peer_auth_new(&st->lockd_auth, secret, strlen(secret));
	if (e == EC_OK && st->lockd_auth != NULL && l->tls)
		e = peer_auth_tls(st->lockd_auth, ca);
out:
	free(secret);
	free(ca);
	return e;
}

/* The client of the lock daemons in ${list}. */
static enum err
lockd_client(struct store *st, const char *list)
{
	struct lock_peers l = LOCK_PEERS_INIT;
	char owner[LOCK_OWNER_MAX + 1];
	struct lock_client_params p = { .peers = l.at, .owner = owner };
	enum err e;

	if ((e = lock_peers_parse(&l, list)) != EC_OK)
		return e;
	owner_text(owner);
	p.n = l.n;
	if ((e = lockd_secret(st, &l)) == EC_OK) {
		p.auth = st->lockd_auth;
		e = lock_client_new(&st->nodes, &p);
	}
	if (e == EC_EINVAL)
		log_error("EC_LOCKD: must be addresses, with EC_SECRET, of %d "
		    "bytes or more, unless they are unix:",
		    PEER_AUTH_SECRET_MIN);
	lock_peers_release(&l);
	return e;
}

enum err
store_locks_start(struct store *st)
{
	const struct lock_service_params p = { .lease_s = STORE_LEASE_S,
	    .no_grace = true };
	char *lockd = NULL;
	enum err e;

	if ((e = config_get("EC_LOCKD", &lockd)) != EC_OK)
		return e;
	if (lockd != NULL) {
		e = lockd_client(st, lockd);
		free(lockd);
		return e;
	}
	e = cluster_self(st->cluster) != NULL ? node_votes(st) :
	    lock_service_new(&st->locks, &p);
	if (e != EC_OK)
		return e;
	lock_service_watch(st->locks, written, st);
	return cluster_endpoints(st->cluster)->nodes > 0 ? nodes_client(st) :
	    EC_OK;
}

void
store_locks_stop(struct store *st)
{
	lock_client_free(st->nodes);
	st->nodes = NULL;
	for (unsigned i = 0; i < st->peers; i++) {
		lock_client_free(st->peer[i].locks);
		st->peer[i].locks = NULL;
	}
	if (st->locks != NULL) {
		lock_service_watch(st->locks, NULL, NULL);
		lock_service_stop(st->locks);
	}
}

void
store_locks_free(struct store *st)
{
	bool idle = st->locks != NULL && lock_service_idle(st->locks);

	if (st->mark != NULL && idle)
		(void)unlink(st->mark);
	free(st->mark);
	peer_auth_free(st->lockd_auth);
	if (st->cluster == NULL || cluster_self(st->cluster) == NULL)
		lock_service_free(st->locks);
}

static enum err
client_new(struct lock_client **out, const char *socket)
{
	char owner[LOCK_OWNER_MAX + 1];
	char *address = NULL;
	const char *peers[1];
	struct lock_client_params p = { .peers = peers, .n = 1,
	    .owner = owner };
	enum err e;

	if (asprintf(&address, "unix:%s", socket) == -1)
		return EC_ENOMEM;
	owner_text(owner);
	peers[0] = address;
	e = lock_client_new(out, &p);
	free(address);
	return e;
}

/* Of several nodes, with none of their servers: a tool has all drives that are
 * there open itself. */
static bool
has_all(struct store *st)
{
	bool all = true;

	pthread_mutex_lock(&st->drives_lock);
	for (unsigned i = 0; i < st->slots && all; i++)
		all = st->slot[i].local ||
		    lane_state(st->slot[i].lane) != LANE_ONLINE;
	pthread_mutex_unlock(&st->drives_lock);
	return all;
}

enum err
store_keeper(struct store *st, struct lock_client **out)
{
	const struct store_slot *s = NULL;
	enum err e = EC_OK;

	*out = st->nodes;
	if (st->nodes != NULL && st->locks != NULL &&
	    cluster_self(st->cluster) == NULL && has_all(st))
		*out = NULL;
	if (st->nodes != NULL || !atomic_load(&st->beside))
		return EC_OK;
	pthread_mutex_lock(&st->drives_lock);
	for (unsigned i = 0; i < st->slots && s == NULL; i++)
		if (lane_state(st->slot[i].lane) == LANE_ONLINE)
			s = &st->slot[i];
	if (s != NULL && s->via != NULL) {
		if (s->via->locks == NULL)
			e = client_new(&s->via->locks, s->via->address);
		*out = s->via->locks;
	}
	pthread_mutex_unlock(&st->drives_lock);
	return e;
}
