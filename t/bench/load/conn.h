/* conn: a connection that is kept alive, with one request under way.  Never
 * blocks: for one thread that serves many with epoll. */
#ifndef LOAD_CONN_H
#define LOAD_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http_parse.h"
#include "target.h"

enum { CONN_KEEP_MAX = 8192 };

struct request {
	char head[TARGET_HEAD_MAX];
	size_t head_len;
	uint8_t mark[16];	/* goes before the body: makes it unique */
	size_t mark_len;
	const uint8_t *body;
	size_t body_len;
	bool bodiless;		/* HEAD: no body comes back */
	bool keep;		/* the first bytes of the answer's body */
	unsigned kind;		/* the caller's */
	uint64_t item;
};

struct conn {
	int fd;
	struct request rq;
	uint64_t started_us;
	size_t sent;
	/* The answer. */
	char in[CONN_KEEP_MAX];
	size_t in_len;
	bool head_done, chunked;
	unsigned status;
	char etag[80];
	uint64_t left;		/* of the body, when not chunked */
	uint64_t got;		/* of it */
	struct http_chunks chunks;
	char kept[CONN_KEEP_MAX];
	size_t kept_len;
};

/* Errors: EC_EIO. */
enum err conn_open(struct conn *c, const struct target *t);
void conn_close(struct conn *c);

/* Begin with the request in ${c}->rq. */
void conn_start(struct conn *c);

/* Go on as far as possible without waiting.  *${done} when the answer is whole;
 * *${writing} when there is more to send.  Errors: EC_EIO. */
enum err conn_go(struct conn *c, bool *done, bool *writing);

#endif
