/* How two processes use the same drives: the owner serves them on a Unix
 * socket in a directory that only its user may enter, and writes the socket's
 * path into .ec/owner of each drive. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "drive/owner.h"
#include "net/remote_drive.h"
#include "store/store_impl.h"

enum { CONNECT_MS = 1000, STOP_GRACE_MS = 2000, CONNECTIONS_MAX = 512,
	IDLE_S = 24 * 3600, LINGER_LOOK_MS = 10 };

static enum err
make_socket_dir(char **out)
{
	const char *places[] = { geteuid() == 0 ? "/run" : NULL,
		getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char *dir = NULL;

		/* sun_path holds 107 characters: leave room for the name. */
		if (places[i] == NULL || strlen(places[i]) > 80)
			continue;
		if (asprintf(&dir, "%s/ec.XXXXXX", places[i]) < 0)
			return EC_ENOMEM;
		if (mkdtemp(dir) != NULL) {
			*out = dir;
			return EC_OK;
		}
		free(dir);
	}
	log_error("no place for a socket: /run, /tmp: %s", strerror(errno));
	return EC_EIO;
}

static void
serve(void *ctx, struct http_exchange *x)
{
	struct store *st = ctx;
	struct http_service drives;

	if (st->locks != NULL && lock_service_serve(st->locks, x))
		return;
	drive_service_http(cluster_service(st->cluster), &drives);
	drives.handle(drives.ctx, x);
}

enum err
store_share_start(struct store *st)
{
	struct http_listen listen = { .fd = -1,
		.connections_max = CONNECTIONS_MAX, .idle_s = IDLE_S,
		.stall_s = IDLE_S };	/* its producer may be slow */
	struct http_service http = { st, serve };
	enum err e;

	if ((e = make_socket_dir(&st->socket_dir)) != EC_OK)
		return e;
	if (asprintf(&st->socket_path, "%s/drives", st->socket_dir) < 0) {
		st->socket_path = NULL;
		return EC_ENOMEM;
	}
	st->serving = true;
	listen.unix_path = st->socket_path;
	return http_server_start(&st->server, &listen, &http);
}

/* A process that uses the drives keeps a connection open as long as it does. */
static void
linger(struct store *st)
{
	struct timespec ts = { 0, LINGER_LOOK_MS * 1000000L };

	while (http_server_connections(st->server) > 0)
		nanosleep(&ts, NULL);
}

void
store_share_stop(struct store *st)
{
	if (st->linger && st->server != NULL)
		linger(st);
	http_server_stop(st->server, STOP_GRACE_MS);
	st->server = NULL;
	st->serving = false;
	if (st->socket_path != NULL)
		unlink(st->socket_path);
	if (st->socket_dir != NULL)
		rmdir(st->socket_dir);
	free(st->socket_path);
	free(st->socket_dir);
	st->socket_path = st->socket_dir = NULL;
}

const char *
store_share_address(const struct store *st)
{
	return st->socket_path != NULL ? st->socket_path : "";
}

enum err
store_share_offer(struct store *st, struct store_slot *s)
{
	if (!st->serving || !s->local)
		return EC_OK;
	return drive_service_add(cluster_service(st->cluster),
	    &s->format.drive, s->lane);
}

void
store_share_withdraw(struct store *st, struct store_slot *s)
{
	drive_service_remove(cluster_service(st->cluster), &s->format.drive);
}

static enum err
owner_peer(struct store *st, const char *address, struct store_peer **out)
{
	char unix_address[OWNER_ADDRESS_MAX + 8];
	struct store_peer *p;
	enum err e;

	snprintf(unix_address, sizeof(unix_address), "unix:%s", address);
	for (unsigned i = 0; i < st->peers; i++)
		if (strcmp(st->peer[i].address, address) == 0) {
			*out = &st->peer[i];
			return EC_OK;
		}
	if (st->peers == STORE_PEERS_MAX)
		return EC_ELIMIT;
	p = &st->peer[st->peers];
	if ((p->address = strdup(address)) == NULL)
		return EC_ENOMEM;
	if ((e = peer_new(&p->peer, unix_address, NULL, CONNECT_MS)) !=
	    EC_OK) {
		free(p->address);
		return e;
	}
	st->peers++;
	*out = p;
	return EC_OK;
}

enum err
store_share_remote(struct store *st, struct store_slot *s,
    const char *address, struct drive **out)
{
	char id[UUID_TEXT_BYTES];
	struct store_peer *via = NULL;
	struct peer *p;
	struct drive *d = NULL;
	struct format f;
	enum err e;

	if (address != NULL && (e = owner_peer(st, address, &via)) != EC_OK)
		return e;
	p = via != NULL ? via->peer : cluster_peer(st->cluster, s->endpoint);
	uuid_text(id, &s->format.drive);
	if ((e = remote_drive_new(&d, p, id, store_slot_name(st, s))) != EC_OK)
		return e;
	/* The owner may be on its way out: then the drive is free soon. */
	if ((e = d->ops->probe(d, &f)) != EC_OK) {
		drive_close(d);
		s->owner_alive = via != NULL && peer_connects(p) > 0;
		return e == EC_EOFFLINE && via != NULL ? EC_EOWNED : e;
	}
	s->via = via;
	if (via != NULL)
		atomic_store(&st->beside, true);
	*out = d;
	return EC_OK;
}

bool
store_is_shared(struct store *st)
{
	bool shared = atomic_load(&st->beside) || st->nodes != NULL ||
	    (st->server != NULL && http_server_connections(st->server) > 0);

	pthread_mutex_lock(&st->drives_lock);
	for (unsigned i = 0; i < st->slots && !shared; i++)
		shared = !st->slot[i].local &&
		    lane_state(st->slot[i].lane) == LANE_ONLINE;
	pthread_mutex_unlock(&st->drives_lock);
	return shared;
}
