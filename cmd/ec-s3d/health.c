#include <limits.h>
#include <stdio.h>
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

/* What a target asks behind the two prefixes; NULL: something else. */
static const char *
question(const char *target)
{
	static const char *const prefixes[] = { "/ec/health/",
		"/minio/health/" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(target, prefixes[i], strlen(prefixes[i])) == 0)
			return target + strlen(prefixes[i]);
	return NULL;
}

static bool
is(const char *what, const char *name)
{
	size_t len = strcspn(what, "?");

	return len == strlen(name) && strncmp(what, name, len) == 0;
}

bool
health_is_live(const char *target)
{
	const char *what = question(target);

	return what != NULL && is(what, "live");
}

static bool
needed(struct server *s)
{
	for (unsigned i = 0; i < store_sets(s->store); i++)
		if (!store_set_without_us(s->store, i))
			return true;
	return false;
}

/* The status that says whether all sets can be written, or, with ?maintenance,
 * could be without this node. */
static unsigned
cluster_status(struct server *s, struct http_exchange *x, const char *what,
    int writes)
{
	const char *query = strchr(what, '?');
	unsigned most = 0, n;
	char number[16];

	for (unsigned i = 0; i < store_sets(s->store); i++) {
		n = store_set_write_quorum(s->store, i);
		most = n > most ? n : most;
	}
	snprintf(number, sizeof(number), "%u", most);
	http_answer_header(x, strncmp(http_target(x), "/minio", 6) == 0 ?
	    "X-Minio-Write-Quorum" : "X-Ec-Write-Quorum", number);
	if (writes < 0)
		return 503;
	return query != NULL && strcmp(query, "?maintenance=true") == 0 &&
	    needed(s) ? 412 : 200;
}

bool
health_answer(struct server *s, struct http_exchange *x)
{
	const char *what = question(http_target(x));
	int reads, writes;
	unsigned status;

	if (what == NULL)
		return false;
	spare(s, &reads, &writes);
	if (is(what, "live"))
		status = 200;
	else if (is(what, "ready"))
		status = !http_draining(x) && !s->draining && writes >= 0 ?
		    200 : 503;
	else if (is(what, "cluster"))
		status = cluster_status(s, x, what, writes);
	else if (is(what, "cluster/read"))
		status = reads >= 0 ? 200 : 503;
	else
		return false;
	if (strcmp(http_method(x), "GET") != 0 &&
	    strcmp(http_method(x), "HEAD") != 0)
		status = 405;
	http_answer(x, status, NULL, 0);
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
