/* A request names a drive and an operation; its arguments become a job, which
 * runs on the drive's lane.  A lane in use is counted, so that it is removed
 * only when no request is left on it. */
#include "net/drive_service.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "net/drive_service_impl.h"

enum { SERVICE_MESSAGE_MAX = 1 << 20 };

struct served {
	struct uuid id;
	struct lane *lane;
	unsigned users;
};

struct drive_service {
	pthread_mutex_t lock;		/* guards all below */
	pthread_cond_t unused;		/* some users went to 0 */
	struct served drives[DRIVE_SERVICE_DRIVES_MAX];
	unsigned count;
};

enum err
drive_service_new(struct drive_service **out)
{
	struct drive_service *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->unused, NULL);
	*out = s;
	return EC_OK;
}

void
drive_service_free(struct drive_service *s)
{
	if (s == NULL)
		return;
	pthread_cond_destroy(&s->unused);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Called with the lock; its place moves when another is removed. */
static struct served *
find(struct drive_service *s, const struct uuid *id)
{
	for (unsigned i = 0; i < s->count; i++)
		if (uuid_equal(&s->drives[i].id, id))
			return &s->drives[i];
	return NULL;
}

enum err
drive_service_add(struct drive_service *s, const struct uuid *id,
    struct lane *lane)
{
	enum err e = EC_OK;

	pthread_mutex_lock(&s->lock);
	if (find(s, id) != NULL)
		e = EC_EEXIST;
	else if (s->count == DRIVE_SERVICE_DRIVES_MAX)
		e = EC_ELIMIT;
	else
		s->drives[s->count++] = (struct served){ *id, lane, 0 };
	pthread_mutex_unlock(&s->lock);
	return e;
}

void
drive_service_remove(struct drive_service *s, const struct uuid *id)
{
	struct served *d;

	pthread_mutex_lock(&s->lock);
	if ((d = find(s, id)) != NULL)
		d->lane = NULL;		/* nobody new */
	while ((d = find(s, id)) != NULL && d->users > 0)
		pthread_cond_wait(&s->unused, &s->lock);
	if (d != NULL)
		*d = s->drives[--s->count];
	pthread_mutex_unlock(&s->lock);
}

struct lane *
service_use_lane(struct drive_service *s, const struct uuid *id)
{
	struct lane *l = NULL;
	struct served *d;

	pthread_mutex_lock(&s->lock);
	if ((d = find(s, id)) != NULL && (l = d->lane) != NULL)
		d->users++;
	pthread_mutex_unlock(&s->lock);
	return l;
}

void
service_unuse_lane(struct drive_service *s, const struct uuid *id)
{
	struct served *d;

	pthread_mutex_lock(&s->lock);
	if ((d = find(s, id)) != NULL && --d->users == 0)
		pthread_cond_broadcast(&s->unused);
	pthread_mutex_unlock(&s->lock);
}

void
service_refuse(struct peer_request *r, enum err e)
{
	int status = err_http(e) < 400 ? 500 : err_http(e);
	char text[WIRE_CODE_BYTES + 2];

	snprintf(text, sizeof(text), "%s\n", err_name(e));
	peer_request_answer(r, (unsigned)status, text, strlen(text));
}

/* [from=N&]bytes=N */
static enum err
parse_range(struct service_target *out, const char *s)
{
	char number[24];
	size_t len;

	if (strncmp(s, "from=", 5) == 0) {
		len = strcspn(s += 5, "&");
		if (s[len] == '\0' || len >= sizeof(number))
			return EC_EINVAL;
		memcpy(number, s, len);
		number[len] = '\0';
		if (num_parse(&out->from, number, 0, INT64_MAX) != EC_OK)
			return EC_EINVAL;
		s += len + 1;
	}
	return strncmp(s, "bytes=", 6) != 0 ? EC_EINVAL :
	    num_parse(&out->bytes, s + 6, 0, INT64_MAX);
}

/* DATA-INDEX[?range] */
static enum err
parse_shard(struct service_target *out, const char *s)
{
	char id[UUID_TEXT_BYTES], number[24];
	size_t len = strcspn(s + UUID_TEXT_BYTES, "?");
	uint64_t index;

	memcpy(id, s, UUID_TEXT_BYTES - 1);
	id[UUID_TEXT_BYTES - 1] = '\0';
	if (s[UUID_TEXT_BYTES - 1] != '-' || len >= sizeof(number))
		return EC_EINVAL;
	memcpy(number, s + UUID_TEXT_BYTES, len);
	number[len] = '\0';
	if (uuid_parse(&out->data, id) != EC_OK ||
	    num_parse(&index, number, 0, 255) != EC_OK)
		return EC_EINVAL;
	out->index = (unsigned)index;
	out->shard = true;
	s += UUID_TEXT_BYTES + len;
	if (*s == '\0')
		return EC_OK;
	return parse_range(out, s + 1);
}

/* /.ec/drive/ID/OP[/SHARD] */
static enum err
parse_target(struct service_target *out, const char *s)
{
	const size_t prefix = strlen(DRIVE_SERVICE_PATH);
	char id[UUID_TEXT_BYTES];
	size_t len;

	memset(out, 0, sizeof(*out));
	if (strncmp(s, DRIVE_SERVICE_PATH, prefix) != 0 ||
	    strlen(s += prefix) < UUID_TEXT_BYTES)
		return EC_EINVAL;
	memcpy(id, s, UUID_TEXT_BYTES - 1);
	id[UUID_TEXT_BYTES - 1] = '\0';
	s += UUID_TEXT_BYTES - 1;
	len = strcspn(s + 1, "/");
	if (*s != '/' || uuid_parse(&out->drive, id) != EC_OK ||
	    len >= sizeof(out->op))
		return EC_EINVAL;
	memcpy(out->op, s + 1, len);
	s += 1 + len;
	if (*s == '\0')
		return EC_OK;
	return strlen(s + 1) < UUID_TEXT_BYTES ? EC_EINVAL :
	    parse_shard(out, s + 1);
}

static void
serve_stream(struct http_exchange *x, struct peer_auth *auth, struct lane *l,
    const struct service_target *t)
{
	struct peer_request r;

	if (peer_request_begin(&r, x, auth) == EC_OK) {
		if (l != NULL)
			service_shard_put(&r, l, t);
		else
			service_refuse(&r, EC_EOFFLINE);
	}
	peer_request_release(&r);
}

static void
serve_message(struct http_exchange *x, struct peer_auth *auth, struct lane *l,
    const struct service_target *t)
{
	struct peer_request r;

	if (peer_request_read(&r, x, auth, SERVICE_MESSAGE_MAX) != EC_OK)
		goto out;
	if (l == NULL)
		service_refuse(&r, EC_EOFFLINE);
	else if (t->shard && strcmp(t->op, "shard") == 0 &&
	    strcmp(http_method(x), "GET") == 0)
		service_shard_get(&r, l, t);
	else if (!service_op(&r, l, t))
		service_refuse(&r, EC_ENOTIMPL);
out:
	peer_request_release(&r);
}

static void
serve_batch(struct drive_service *s, struct http_exchange *x,
    struct peer_auth *auth)
{
	struct peer_request r;

	if (peer_request_read(&r, x, auth, WIRE_BATCH_MAX) == EC_OK)
		service_batch(&r, s);
	peer_request_release(&r);
}

/* What cannot be a request of ours; only who may ask is told why. */
static void
serve_nonsense(struct http_exchange *x, struct peer_auth *auth, enum err e)
{
	struct peer_request r;

	if (peer_request_read(&r, x, auth, SERVICE_MESSAGE_MAX) == EC_OK)
		service_refuse(&r, e);
	peer_request_release(&r);
}

bool
drive_service_serve(struct drive_service *s, struct http_exchange *x,
    struct peer_auth *auth)
{
	const char *version = http_header(x, "Ec-Wire");
	const char *target = http_target(x);
	struct service_target t;
	struct lane *l;

	if (strncmp(target, DRIVE_SERVICE_PATH,
	    strlen(DRIVE_SERVICE_PATH)) != 0)
		return false;
	if (version != NULL && strcmp(version, "1") == 0 &&
	    strcmp(http_method(x), "POST") == 0 &&
	    strcmp(target, DRIVE_SERVICE_PATH "batch") == 0) {
		serve_batch(s, x, auth);
		return true;
	}
	if (version == NULL || strcmp(version, "1") != 0 ||
	    parse_target(&t, target) != EC_OK) {
		serve_nonsense(x, auth, version == NULL ||
		    strcmp(version, "1") != 0 ? EC_EFORMAT : EC_EINVAL);
		return true;
	}
	l = service_use_lane(s, &t.drive);
	if (t.shard && strcmp(t.op, "shard") == 0 &&
	    strcmp(http_method(x), "PUT") == 0)
		serve_stream(x, auth, l, &t);
	else
		serve_message(x, auth, l, &t);
	if (l != NULL)
		service_unuse_lane(s, &t.drive);
	return true;
}

static void
handle(void *ctx, struct http_exchange *x)
{
	if (!drive_service_serve(ctx, x, NULL))
		serve_nonsense(x, NULL, EC_EINVAL);
}

void
drive_service_http(struct drive_service *s, struct http_service *out)
{
	*out = (struct http_service){ .ctx = s, .handle = handle };
}
