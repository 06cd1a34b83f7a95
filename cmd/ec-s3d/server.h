/* server: the S3 service over one store: takes requests, authenticates them,
 * hands each to its handler, logs it. */
#ifndef SERVER_H
#define SERVER_H

#include <stdatomic.h>

#include "access_cache.h"
#include "base/mem.h"
#include "iam_cache.h"
#include "net/http_server.h"
#include "sigv4.h"
#include "store/store.h"

enum {
	SERVER_BUFFER_BYTES = 1024 * 1024,	/* of one request under way */
	SERVER_BUFFERS_BYTES = 256 * 1024 * 1024,	/* of all of them */
	SERVER_BUFFER_WAIT_MS = 10000,
	SERVER_SECONDS_MAX = 8,	/* requests that may have a second one */
};

struct server {		/* immutable after server_new, but for the counters */
	struct store *store;
	struct iam_cache *iam;
	struct access_cache *access;
	const char *region;
	const char *domain;		/* NULL: path style only */
	bool sigv2;			/* takes Signature Version 2 too */
	bool fast_etag;			/* of what is written: no MD5 */
	struct sigv4_cache *keys;
	struct mem_pool *buffers;
	atomic_uint seconds;		/* second buffers in use */
	uint64_t started_us;		/* clock_mono_us */
	atomic_bool draining;
	atomic_ullong requests, errors;	/* answered; with 5xx */
};

struct server_params {
	const struct iam_root *root;
	const char *region, *domain;
	bool sigv2, fast_etag;
};

/* ${store} and what ${p} points to are the caller's and outlive the server.
 * Errors: EC_ENOMEM. */
enum err server_new(struct server **out, struct store *store,
    const struct server_params *p);
void server_free(struct server *s);

/* One request; the handle of struct http_service with a server as ctx. */
void server_handle(void *ctx, struct http_exchange *x);

#endif
