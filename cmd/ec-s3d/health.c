#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/os_linux.h"
#include "health.h"

enum { STATUS_MAX = 4 * 1024 * 1024 };

/* The worst set decides. */
static void
spare(struct server *s, int *reads, int *writes)
{
	unsigned i;
	int r, w;

	*reads = *writes = INT_MAX;
	for (i = 0; i < store_sets(s->store); i++) {
		r = store_set_spare(s->store, i, &w);
		*reads = r < *reads ? r : *reads;
		*writes = w < *writes ? w : *writes;
	}
}

bool
health_is_live(const char *target)
{
	size_t len = strcspn(target, "?");

	return (len == strlen("/ec/health/live") &&
	    strncmp(target, "/ec/health/live", len) == 0) ||
	    (len == strlen("/minio/health/live") &&
	    strncmp(target, "/minio/health/live", len) == 0);
}

bool
health_answer(struct server *s, struct http_exchange *x)
{
	const char *target = http_target(x), *what;
	size_t len = strcspn(target, "?");
	int reads, writes;
	bool good;

	if (strncmp(target, "/ec/health/", 11) == 0)
		what = target + 11;
	else if (strncmp(target, "/minio/health/", 14) == 0)
		what = target + 14;
	else
		return false;
	len -= (size_t)(what - target);
	spare(s, &reads, &writes);
	if (len == 4 && strncmp(what, "live", len) == 0)
		good = true;
	else if (len == 5 && strncmp(what, "ready", len) == 0)
		good = !http_draining(x) && !s->draining && writes >= 0;
	else if (len == 7 && strncmp(what, "cluster", len) == 0)
		good = writes >= 0;
	else if (len == 12 && strncmp(what, "cluster/read", len) == 0)
		good = reads >= 0;
	else
		return false;
	if (strcmp(http_method(x), "GET") != 0 &&
	    strcmp(http_method(x), "HEAD") != 0)
		http_answer(x, 405, NULL, 0);
	else
		http_answer(x, good ? 200 : 503, NULL, 0);
	return true;
}

static const char *
lane_text(enum lane_state state)
{
	static const char *const texts[] = {
		[LANE_ONLINE] = "online", [LANE_SUSPECT] = "suspect",
		[LANE_ABSENT] = "absent",
	};

	return texts[state];
}

static void
drive_json(struct buf *b, struct server *s, unsigned i)
{
	struct store_drive_status d;

	store_drive_status(s->store, i, &d);
	json_open(b, NULL);
	json_str(b, "path", d.path);
	json_u64(b, "set", d.set);
	json_u64(b, "slot", d.slot);
	json_str(b, "state", lane_text(d.state));
	json_str(b, "why", d.why != EC_OK ? err_text(d.why) : "");
	json_bool(b, "local", d.local);
	json_u64(b, "total_bytes", d.space.total);
	json_u64(b, "free_bytes", d.space.free);
	json_u64(b, "errors", d.errors);
	json_u64(b, "corrupt", d.corrupt);
	json_close(b);
}

static void
set_json(struct buf *b, struct server *s, unsigned i)
{
	int writes, reads = store_set_spare(s->store, i, &writes);

	json_open(b, NULL);
	json_u64(b, "set", i);
	json_i64(b, "read_failures_survivable", reads);
	json_i64(b, "write_failures_survivable", writes);
	json_close(b);
}

static enum err
status_json(struct buf *b, struct server *s)
{
	unsigned i;

	json_open(b, NULL);
	json_str(b, "type", "status");
	json_str(b, "schema", "ec-s3d-status/1");
	json_str(b, "version", EC_VERSION);
	json_u64(b, "uptime_us", clock_mono_us() - s->started_us);
	json_u64(b, "requests", s->requests);
	json_u64(b, "server_errors", s->errors);
	json_u64(b, "memory_bytes", os_rss_anon());
	json_list(b, "sets");
	for (i = 0; i < store_sets(s->store); i++)
		set_json(b, s, i);
	json_list_end(b);
	json_list(b, "drives");
	for (i = 0; i < store_drive_count(s->store); i++)
		drive_json(b, s, i);
	json_list_end(b);
	return json_close(b);
}

enum s3_error
health_status(struct call *c)
{
	struct buf b = BUF_INIT(STATUS_MAX);
	enum s3_error e = S3_SLOW_DOWN;

	if (strcmp(http_method(c->x), "GET") != 0)
		return S3_METHOD_NOT_ALLOWED;
	if (status_json(&b, c->server) == EC_OK) {
		http_answer_header(c->x, "Content-Type", "application/json");
		http_answer(c->x, 200, b.data, b.len);
		e = S3_OK;
	}
	buf_release(&b);
	return e;
}
