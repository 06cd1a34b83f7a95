/* lockds: lock daemons within a test's process, each on a port of its own. */
#ifndef LOCKDS_H
#define LOCKDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/http_server.h"
#include "net/lock_client.h"
#include "net/lock_service.h"

enum { LOCKDS_MAX = 5 };

struct lockds {
	size_t n;
	unsigned lease_s;
	struct peer_auth *auth;		/* of both sides: one process */
	char dir[64];
	struct one_lockd {
		struct lock_service *service;
		struct http_server *server;
		unsigned port;
		char address[32];
	} d[LOCKDS_MAX];
	const char *peers[LOCKDS_MAX];
};

static inline void
lockds_handle(void *ctx, struct http_exchange *x)
{
	if (!lock_service_serve(ctx, x))
		http_answer(x, 404, "", 0);
}

/* Start the ${i}-th, on the port it had before if it had one. */
static inline void
lockds_start(struct lockds *l, size_t i)
{
	struct one_lockd *d = &l->d[i];
	char address[32], state[96];
	struct lock_service_params p = { .lease_s = l->lease_s,
	    .state_path = state, .auth = l->auth };
	struct http_listen listen = { .address = address, .fd = -1 };
	struct http_service s = { .handle = lockds_handle };

	snprintf(state, sizeof(state), "%s/%zu", l->dir, i);
	snprintf(address, sizeof(address), "127.0.0.1:%u", d->port);
	if (lock_service_new(&d->service, &p) != EC_OK)
		abort();
	s.ctx = d->service;
	if (http_server_start(&d->server, &listen, &s) != EC_OK)
		abort();
	d->port = http_server_port(d->server);
	snprintf(d->address, sizeof(d->address), "127.0.0.1:%u", d->port);
	l->peers[i] = d->address;
}

/* End it. */
static inline void
lockds_stop(struct lockds *l, size_t i)
{
	struct one_lockd *d = &l->d[i];

	if (d->service == NULL)
		return;
	lock_service_stop(d->service);
	http_server_stop(d->server, 500);
	lock_service_free(d->service);
	d->service = NULL;
	d->server = NULL;
}

static inline void
lockds_open(struct lockds *l, size_t n, unsigned lease_s)
{
	static const char secret[] = "a secret of some length";

	*l = (struct lockds){ .n = n, .lease_s = lease_s,
	    .dir = "/tmp/ec-lockds.XXXXXX" };
	if (mkdtemp(l->dir) == NULL ||
	    peer_auth_new(&l->auth, secret, strlen(secret)) != EC_OK)
		abort();
	for (size_t i = 0; i < n; i++)
		lockds_start(l, i);
}

static inline struct lock_client *
lockds_client(struct lockds *l)
{
	const struct lock_client_params p = { .peers = l->peers, .n = l->n,
	    .auth = l->auth, .owner = "test" };
	struct lock_client *c = NULL;

	if (lock_client_new(&c, &p) != EC_OK)
		abort();
	return c;
}

static inline void
lockds_close(struct lockds *l)
{
	char path[96];

	for (size_t i = 0; i < l->n; i++) {
		lockds_stop(l, i);
		snprintf(path, sizeof(path), "%s/%zu", l->dir, i);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%zu.lock", l->dir, i);
		unlink(path);
	}
	rmdir(l->dir);
	peer_auth_free(l->auth);
}

#endif
