/* Lanes over drives of one peer: what is for several of them goes in one
 * request, and a drive that is slow holds up none of the others. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/memory_drive.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "base/log.h"
#include "drive/lane.h"
#include "drive_kit.h"
#include "net/drive_service.h"
#include "net/remote_drive.h"

enum { DRIVES = 4, FOR_EVER_S = 60, THREADS = 6, ROUNDS = 150 };

static struct memory_disk *disk[DRIVES];
static struct lane *there[DRIVES], *lane[DRIVES];
static struct uuid id[DRIVES];
static struct drive_service *service;
static struct http_server *server;
static struct peer_auth *auth;
static struct peer *peer;
static atomic_uint requests, forged;
static uint8_t record[512];
static size_t record_len;

static uint64_t
for_ever(void)
{
	return clock_mono_us() + FOR_EVER_S * UINT64_C(1000000);
}

/* Pieces one of which is not what was signed. */
static void
forge(struct http_exchange *x)
{
	struct buf out = BUF_INIT(4096);
	struct peer_request r;

	if (peer_request_read(&r, x, auth, 4096) == EC_OK) {
		peer_request_piece(&r, &out, "first", 5);
		peer_request_piece(&r, &out, "other", 5);
		if (strcmp(http_target(x), "/swapped") == 0) {
			memmove(out.data, out.data + out.len / 2, out.len / 2);
			out.len /= 2;
		}
		if (strcmp(http_target(x), "/forged") == 0)
			out.data[out.len / 2 + 6] ^= 1;
		peer_request_send(&r, &out, true);
	}
	peer_request_release(&r);
	buf_release(&out);
}

static void
handle(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	atomic_fetch_add(&requests, 1);
	if (!drive_service_serve(service, x, auth))
		forge(x);
}

static struct drive *
far(unsigned i)
{
	char text[UUID_TEXT_BYTES];
	struct drive *d = NULL;

	uuid_text(text, &id[i]);
	if (remote_drive_new(&d, peer, text, "far") != EC_OK)
		abort();
	return d;
}

static void
setup(void)
{
	struct http_listen l = { .address = "127.0.0.1:0", .fd = -1 };
	struct http_service s = { NULL, handle };
	struct record r = { .kind = RECORD_HEAL, .stamp = { 1, 1 },
		.target = { 1, 1 }, .bucket = "b", .key = "k", .etag = "" };
	struct buf b = BUF_INIT(sizeof(record));
	char address[32];

	if (record_encode(&b, &r) != EC_OK)
		abort();
	memcpy(record, b.data, b.len);
	record_len = b.len;
	buf_release(&b);
	if (peer_auth_new(&auth, "a secret of 17 b.", 17) != EC_OK ||
	    drive_service_new(&service) != EC_OK ||
	    http_server_start(&server, &l, &s) != EC_OK)
		abort();
	snprintf(address, sizeof(address), "127.0.0.1:%u",
	    http_server_port(server));
	if (peer_new(&peer, address, auth, 500) != EC_OK)
		abort();
	for (unsigned i = 0; i < DRIVES; i++) {
		struct format f = kit_format();
		struct drive *d;

		id[i] = f.drive;
		if ((disk[i] = memory_disk_new("disk")) == NULL ||
		    (d = memory_disk_drive(disk[i])) == NULL ||
		    d->ops->reformat(d, &f) != EC_OK ||
		    lane_new(&there[i], d, "there") != EC_OK ||
		    drive_service_add(service, &id[i], there[i]) != EC_OK ||
		    lane_new(&lane[i], far(i), "lane") != EC_OK)
			abort();
	}
}

/* Append to all; how many of them are done with ${want} once ${least} are. */
static unsigned
append(unsigned least, enum err want)
{
	const struct drive_append a = { .rec = record, .len = record_len };
	struct lane_call *c[DRIVES] = { NULL };
	struct lane_post post = { .n = 0 };
	struct gather *g = NULL;
	unsigned good = 0, n;
	enum err e;

	if (gather_new(&g) != EC_OK)
		abort();
	for (unsigned i = 0; i < DRIVES; i++)
		lane_append_post(&post, lane[i], g, &a, 1, &c[i]);
	lane_post_send(&post);
	gather_wait(g, least, for_ever());
	for (unsigned i = 0; i < DRIVES; i++) {
		good += lane_call_done(c[i], &e) && e == want &&
		    (e != EC_OK || lane_call_appends(c[i], &n)->err == EC_OK);
		lane_call_put(c[i]);
	}
	gather_free(g);
	return good;
}

struct question {
	struct drive_query q;
	struct drive_records out;
};

static enum err
run_query(struct drive *d, void *arg)
{
	struct question *q = arg;

	return d->ops->query(d, &q->q, &q->out);
}

static void
drop(void *arg)
{
	struct question *q = arg;

	buf_release(&q->out.buf);
	free(q);
}

/* The same with a question, whose answer is not empty. */
static unsigned
ask(unsigned least, enum err want)
{
	struct lane_task t[DRIVES];
	struct gather *g = NULL;
	unsigned good = 0;
	enum err e;

	if (gather_new(&g) != EC_OK)
		abort();
	for (unsigned i = 0; i < DRIVES; i++) {
		struct question *q = malloc(sizeof(*q));

		if (q == NULL)
			abort();
		*q = (struct question){ { .table = DRIVE_HEALS, .limit = 9 },
			DRIVE_RECORDS_INIT };
		t[i] = (struct lane_task){ .lane = lane[i], .run = run_query,
			.drop = drop, .arg = q, .query = &q->q,
			.records = &q->out };
	}
	lane_chain_start(t, DRIVES, g);
	lane_chain_wait(t, DRIVES, g, least, for_ever());
	for (unsigned i = 0; i < DRIVES; i++) {
		const struct question *q = lane_call_arg(t[i].call);

		good += lane_call_done(t[i].call, &e) && e == want &&
		    (e != EC_OK || q->out.buf.len > 0);
		lane_call_put(t[i].call);
	}
	gather_free(g);
	return good;
}

/* In how few requests it is done: whatever was slow to wake up, on a busy
 * machine, goes by itself. */
static unsigned
fewest(unsigned (*what)(unsigned least, enum err want))
{
	unsigned before, least = 99;

	for (unsigned i = 0; i < 20; i++) {
		before = atomic_load(&requests);
		what(DRIVES, EC_OK);
		if (atomic_load(&requests) - before < least)
			least = atomic_load(&requests) - before;
	}
	return least;
}

static void
one_request(void)
{
	tap_is_u64(append(DRIVES, EC_OK), DRIVES, "all append");
	tap_is_u64(fewest(append), 1, "in one request");
	tap_is_u64(ask(DRIVES, EC_OK), DRIVES, "all answer");
	tap_is_u64(fewest(ask), 1, "in one request");
	tap_ok(peer_connects(peer) <= 8, "connections are kept: %u for %u",
	    (unsigned)peer_connects(peer), atomic_load(&requests));
}

/* On a machine so slow that it was set aside. */
static void
online(unsigned i)
{
	uint64_t end = for_ever();

	while (lane_state(lane[i]) != LANE_ONLINE && clock_mono_us() < end)
		sched_yield();
}

static void
one_is_slow(void)
{
	uint64_t end;

	for (unsigned i = 0; i < DRIVES; i++) {
		memory_disk_hang(disk[i], MEMORY_APPEND);
		tap_is_u64(append(DRIVES - 1, EC_OK), DRIVES - 1,
		    "drive %u hangs: the others take it", i);
		tap_is_u64(append(DRIVES - 1, EC_OK), DRIVES - 1,
		    "and the next");
		memory_disk_release(disk[i]);
		online(i);
		tap_is_u64(append(DRIVES, EC_OK), DRIVES, "and it goes on");
		memory_disk_hang(disk[i], MEMORY_QUERY);
		tap_is_u64(ask(DRIVES - 1, EC_OK), DRIVES - 1,
		    "a question hangs: the others answer");
		memory_disk_release(disk[i]);
		end = for_ever();
		while (memory_disk_waiting(disk[i]) > 0 &&
		    clock_mono_us() < end)
			sched_yield();
		online(i);
	}
}

static void
errors(void)
{
	memory_disk_fail(disk[1], MEMORY_APPEND | MEMORY_QUERY, EC_ENOSPC);
	tap_is_u64(append(DRIVES, EC_OK), DRIVES - 1, "one fails");
	tap_is_u64(append(DRIVES, EC_ENOSPC), 1, "with its own error");
	tap_is_u64(ask(DRIVES, EC_ENOSPC), 1, "to be asked, too");
	memory_disk_fail(disk[1], MEMORY_ALL, EC_OK);
	lane_detach(lane[2]);
	tap_is_u64(append(DRIVES, EC_OK), DRIVES - 1, "one is not there");
	tap_is_u64(ask(DRIVES, EC_EOFFLINE), 1, "and says so");
	tap_ok(lane_attach(lane[2], far(2)) == EC_OK &&
	    append(DRIVES, EC_OK) == DRIVES, "it is there again");
	drive_service_remove(service, &id[3]);
	tap_is_u64(append(DRIVES, EC_EOFFLINE), 1,
	    "one that the peer has not");
	drive_service_add(service, &id[3], there[3]);
	online(3);
	tap_is_u64(append(DRIVES, EC_OK), DRIVES, "until it has");
}

static enum err
count(void *ctx, const uint8_t *piece, size_t len, bool more)
{
	unsigned *n = ctx;

	(void)more;
	if (len != 5 || memcmp(piece, *n == 0 ? "first" : "other", 5) != 0)
		atomic_fetch_add(&forged, 1);
	++*n;
	return EC_OK;
}

static void
test_forged(const char *path, enum err want, unsigned pieces)
{
	struct http_call call = { .method = "POST", .path = path,
		.timeout_ms = FOR_EVER_S * 1000 };
	unsigned n = 0;

	tap_ok(peer_pieces(peer, &call, 100, count, &n) == want &&
	    n == pieces && atomic_load(&forged) == 0, "%s: %u pieces", path,
	    n);
}

static void *
busy(void *arg)
{
	unsigned *bad = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		*bad += append(DRIVES, EC_OK) < DRIVES - 1;
		*bad += ask(DRIVES, EC_OK) < DRIVES - 1;
	}
	return NULL;
}

/* All at once, while a drive comes and goes. */
static void
test_threads(void)
{
	pthread_t t[THREADS];
	unsigned bad[THREADS] = { 0 }, sum = 0;

	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, busy, &bad[i]) != 0)
			abort();
	for (unsigned i = 0; i < ROUNDS; i++) {
		lane_detach(lane[0]);
		sched_yield();
		if (lane_attach(lane[0], far(0)) != EC_OK)
			abort();
		ask(DRIVES, EC_OK);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		sum += bad[i];
	}
	tap_is_u64(sum, 0, "%d threads", THREADS);
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	setup();
	one_request();
	one_is_slow();
	errors();
	test_forged("/good", EC_OK, 2);
	test_forged("/forged", EC_EDENIED, 1);
	test_forged("/swapped", EC_EDENIED, 0);
	test_threads();
	memory_disk_hang(disk[0], MEMORY_APPEND);
	append(DRIVES - 1, EC_OK);
	memory_disk_release(disk[0]);
	for (unsigned i = 0; i < DRIVES; i++)
		lane_free(lane[i]);
	tap_ok(true, "freed with a message under way");
	http_server_stop(server, 1000);
	drive_service_free(service);
	for (unsigned i = 0; i < DRIVES; i++) {
		lane_free(there[i]);
		memory_disk_free(disk[i]);
	}
	peer_free(peer);
	peer_auth_free(auth);
	return tap_done();
}
