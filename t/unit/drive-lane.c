/* Lanes: batches, order, deadlines, a drive that hangs or fails, freeing with
 * calls under way, and many threads at once. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive/lane.h"

#include "../lib/tap.h"

/* A drive that counts, and blocks or fails when told to. */
struct test_drive {
	struct drive drive;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool hang;
	unsigned waiting;
	atomic_uint batches, records, closed, probes, notes;
	atomic_int fail, probe_result, note_result;
	unsigned delay_us;
	char note[DRIVE_NOTE_BYTES_MAX];
	size_t note_len;
};

static void
maybe_hang(struct test_drive *t)
{
	pthread_mutex_lock(&t->mutex);
	t->waiting++;
	pthread_cond_broadcast(&t->cond);
	while (t->hang)
		pthread_cond_wait(&t->cond, &t->mutex);
	t->waiting--;
	pthread_mutex_unlock(&t->mutex);
}

static void
set_hang(struct test_drive *t, bool hang)
{
	pthread_mutex_lock(&t->mutex);
	t->hang = hang;
	pthread_cond_broadcast(&t->cond);
	pthread_mutex_unlock(&t->mutex);
}

static void
wait_hanging(struct test_drive *t, unsigned n)
{
	pthread_mutex_lock(&t->mutex);
	while (t->waiting < n)
		pthread_cond_wait(&t->cond, &t->mutex);
	pthread_mutex_unlock(&t->mutex);
}

static enum err
t_append(struct drive *d, struct drive_append *a, unsigned n)
{
	struct test_drive *t = (struct test_drive *)d;

	maybe_hang(t);
	if (t->delay_us > 0)
		usleep(t->delay_us);
	t->batches++;
	t->records += n;
	for (unsigned i = 0; i < n; i++) {
		a[i].hlc = a[i].len;
		a[i].err = *(const char *)a[i].rec == 'x' ? EC_ESTALE : EC_OK;
	}
	return (enum err)t->fail;
}

static enum err
t_probe(struct drive *d, struct format *f)
{
	struct test_drive *t = (struct test_drive *)d;

	(void)f;
	t->probes++;
	return (enum err)t->probe_result;
}

static enum err
t_note_put(struct drive *d, const char *name, const void *text, size_t len)
{
	struct test_drive *t = (struct test_drive *)d;

	(void)name;
	memcpy(t->note, text, len);
	t->note_len = len;
	t->notes++;
	return (enum err)t->note_result;
}

static enum err
t_note_get(struct drive *d, const char *name, struct buf *out)
{
	struct test_drive *t = (struct test_drive *)d;

	(void)name;
	return buf_add(out, t->note, t->note_len);
}

static void
t_close(struct drive *d)
{
	((struct test_drive *)d)->closed++;
}

static const struct drive_ops test_ops = {
	.append = t_append, .probe = t_probe, .close = t_close,
	.note_put = t_note_put, .note_get = t_note_get,
};

static void
test_drive_init(struct test_drive *t)
{
	*t = (struct test_drive){ .drive = { .ops = &test_ops,
		.name = "test", .local = true } };
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->cond, NULL);
}

static atomic_uint dropped;

static void
drop(void *arg)
{
	(void)arg;
	dropped++;
}

static enum err
run_count(struct drive *d, void *arg)
{
	struct test_drive *t = (struct test_drive *)d;

	maybe_hang(t);
	++*(atomic_uint *)arg;
	return (enum err)t->fail;
}

static uint64_t
in_ms(unsigned ms)
{
	return clock_mono_us() + (uint64_t)ms * 1000;
}

static bool
wait_state(struct lane *l, enum lane_state s, unsigned ms)
{
	uint64_t until = in_ms(ms);

	while (lane_state(l) != s && clock_mono_us() < until)
		usleep(1000);
	return lane_state(l) == s;
}

static void
test_batches(void)
{
	struct test_drive t;
	struct lane *l;
	struct gather *g;
	struct lane_call *c[64];
	struct drive_append a = { .rec = "r", .len = 1 };
	const struct drive_append *r;
	unsigned n = 0, good = 0;
	enum err e;

	test_drive_init(&t);
	if (lane_new(&l, &t.drive, "lane") != EC_OK || gather_new(&g) != EC_OK)
		abort();
	tap_is_str(lane_name(l), "lane", "has its name");
	tap_ok(lane_local(l), "is local");
	set_hang(&t, true);
	for (unsigned i = 0; i < 64; i++) {
		a.rec = i == 5 ? "xyz" : "rst";
		a.len = 1 + i % 3;
		if (lane_append(l, g, &a, 1, &c[i]) != EC_OK)
			abort();
		if (i == 0)
			wait_hanging(&t, 1);
	}
	tap_is_u64(gather_wait(g, 64, in_ms(50)), 0, "none done in a hang");
	tap_ok(!lane_call_done(c[0], &e), "the first is not done");
	set_hang(&t, false);
	tap_is_u64(gather_wait(g, 64, in_ms(5000)), 64, "then all are");
	tap_is_u64(t.batches, 2, "in two batches: one, and all that queued");
	tap_is_u64(t.records, 64, "of 64 records");
	for (unsigned i = 0; i < 64; i++) {
		r = lane_call_appends(c[i], &n);
		good += lane_call_done(c[i], &e) && e == EC_OK && n == 1 &&
		    r->hlc == 1 + i % 3 &&
		    r->err == (i == 5 ? EC_ESTALE : EC_OK);
		lane_call_put(c[i]);
	}
	tap_is_u64(good, 64, "each has its own result");
	tap_ok(lane_commit_us(l) > 0, "and the time of a batch was learnt");
	a.len = 0;
	tap_is_u64(lane_append(l, g, &a, 1, &c[0]), EC_EINVAL, "empty refused");
	gather_free(g);
	lane_free(l);
	tap_is_u64(t.closed, 1, "the drive was closed");
}

static void
test_hung(void)
{
	struct test_drive t;
	struct lane *l;
	struct gather *g;
	struct lane_call *c, *queued[20];
	atomic_uint ran = 0;
	uint64_t began, since;
	unsigned offline = 0;
	enum err e = EC_OK;

	test_drive_init(&t);
	dropped = 0;
	if (lane_new(&l, &t.drive, "hung") != EC_OK || gather_new(&g) != EC_OK)
		abort();
	set_hang(&t, true);
	began = clock_mono_us();
	tap_is_u64(lane_call(l, run_count, drop, &ran, 50), EC_ETIMEDOUT,
	    "a hung call times out");
	tap_ok(clock_mono_us() - began < 1000000, "in its time");
	tap_is_u64(dropped, 0, "its argument lives on");
	lane_start(l, g, run_count, drop, &ran, &c);
	for (unsigned i = 0; i < 20; i++)	/* more than threads */
		lane_start(l, g, run_count, drop, &ran, &queued[i]);
	tap_is_u64(lane_state(l), LANE_ONLINE, "still online");
	tap_is_u64(gather_wait(g, 21, in_ms(LANE_STUCK_MS + 2000)), 21,
	    "after a while all are done");
	tap_ok(lane_call_done(c, &e) && e == EC_ETIMEDOUT,
	    "those under way timed out");
	for (unsigned i = 0; i < 20; i++)
		offline += lane_call_done(queued[i], &e) && e == EC_EOFFLINE;
	tap_is_u64(offline, 20 + 2 - LANE_THREADS_MAX,
	    "those behind were told that it is offline");
	tap_ok(lane_state(l) == LANE_SUSPECT &&
	    lane_why(l, &since) == EC_ETIMEDOUT && since > 0, "suspect");
	began = clock_mono_us();
	tap_is_u64(lane_call(l, run_count, drop, &ran, 5000), EC_EOFFLINE,
	    "further calls fail");
	tap_ok(clock_mono_us() - began < 500000, "at once");
	tap_is_u64(t.probes, 0, "no probe while calls hang");
	lane_call_put(c);
	for (unsigned i = 0; i < 20; i++)
		lane_call_put(queued[i]);
	gather_free(g);
	set_hang(&t, false);
	tap_ok(wait_state(l, LANE_ONLINE, 3000), "comes back by a probe");
	tap_is_u64(ran, LANE_THREADS_MAX, "the hung ones had run");
	tap_is_u64(lane_call(l, run_count, drop, &ran, 5000), EC_OK,
	    "and calls go through again");
	lane_free(l);
	tap_is_u64(dropped, 1 + 1 + 20 + 1 + 1, "each argument dropped once");
}

static void
test_failing(void)
{
	struct test_drive t;
	struct lane *l;
	atomic_uint ran = 0;
	uint64_t errors, corrupt, since;

	test_drive_init(&t);
	if (lane_new(&l, &t.drive, "failing") != EC_OK)
		abort();
	t.fail = EC_ENOTFOUND;
	tap_is_u64(lane_call(l, run_count, drop, &ran, 5000), EC_ENOTFOUND,
	    "an expected error");
	tap_is_u64(lane_state(l), LANE_ONLINE, "changes nothing");
	t.fail = t.probe_result = EC_EIO;
	tap_is_u64(lane_call(l, run_count, drop, &ran, 5000), EC_EIO, "EIO");
	tap_ok(lane_state(l) == LANE_SUSPECT &&
	    lane_why(l, &since) == EC_EIO, "makes it suspect");
	usleep(1300000);
	tap_ok(t.probes >= 1 && t.probes <= 3 &&
	    lane_state(l) == LANE_SUSPECT, "probes are made and fail");
	t.note_result = EC_EIO;
	t.fail = t.probe_result = EC_OK;
	while (t.notes < 2)
		usleep(10000);
	tap_is_u64(lane_state(l), LANE_SUSPECT,
	    "nor is it enough that it tells who it is");
	t.note_result = EC_OK;
	tap_ok(wait_state(l, LANE_ONLINE, 60000), "until one succeeds");
	lane_count_corrupt(l);
	lane_counters(l, &errors, &corrupt);
	tap_ok(errors == 1 && corrupt == 1, "both are counted");
	t.fail = EC_EROFS;
	tap_is_u64(lane_call(l, run_count, drop, &ran, 5000), EC_EROFS,
	    "it fails again");
	t.fail = EC_OK;
	tap_ok(wait_state(l, LANE_ONLINE, 60000), "and is back again");
	lane_free(l);
}

struct step {
	unsigned *order, *next;
	unsigned n;
	enum err result;
};

static enum err
run_step(struct drive *d, void *arg)
{
	struct step *s = arg;

	maybe_hang((struct test_drive *)d);
	s->order[(*s->next)++] = s->n;
	return s->result;
}

static void
test_series(void)
{
	struct test_drive t;
	struct lane *l;
	struct gather *g;
	struct lane_series *s;
	struct lane_call *c[10];
	struct step step[11];
	unsigned order[11], next = 0, good = 0, skipped = 0;
	enum err e;

	test_drive_init(&t);
	dropped = 0;
	if (lane_new(&l, &t.drive, "series") != EC_OK ||
	    gather_new(&g) != EC_OK || lane_series_new(&s, l) != EC_OK)
		abort();
	set_hang(&t, true);
	for (unsigned i = 0; i < 10; i++) {
		step[i] = (struct step){ order, &next, i,
			i == 6 ? EC_ENOSPC : EC_OK };
		lane_series_start(s, g, run_step, drop, &step[i], &c[i]);
	}
	step[10] = (struct step){ order, &next, 10, EC_OK };
	lane_series_end(s, run_step, drop, &step[10]);
	tap_is_u64(lane_series_pending(s), 11, "eleven pending");
	set_hang(&t, false);
	gather_wait(g, 10, in_ms(5000));
	while (lane_series_pending(s) > 0)
		usleep(1000);
	for (unsigned i = 0; i < 7; i++)
		good += order[i] == i;
	tap_is_u64(good, 7, "run in order");
	tap_ok(next == 8 && order[7] == 10, "until one fails; then the end");
	for (unsigned i = 6; i < 10; i++)
		skipped += lane_call_done(c[i], &e) && e == EC_ENOSPC;
	tap_is_u64(skipped, 4, "later ones have the same error");
	for (unsigned i = 0; i < 10; i++)
		lane_call_put(c[i]);
	lane_series_free(s);
	gather_free(g);
	lane_free(l);
	tap_is_u64(dropped, 11, "each argument dropped once");
}

static void
test_slots(void)
{
	struct test_drive t, u;
	struct lane *l;
	struct lane_call *c, *append;
	struct gather *g;
	struct drive_append a = { .rec = "r", .len = 1 };
	atomic_uint ran = 0;
	enum err e = EC_OK;

	test_drive_init(&t);
	test_drive_init(&u);
	if (lane_new(&l, NULL, "slot") != EC_OK || gather_new(&g) != EC_OK)
		abort();
	tap_is_u64(lane_state(l), LANE_ABSENT, "a slot without a drive");
	tap_is_u64(lane_call(l, run_count, drop, &ran, 5000), EC_EOFFLINE,
	    "is offline");
	tap_is_u64(lane_attach(l, &t.drive), EC_OK, "is given one");
	tap_is_u64(lane_attach(l, &u.drive), EC_EEXIST, "only once");
	tap_is_u64(lane_call(l, run_count, drop, &ran, 5000), EC_OK, "works");
	set_hang(&t, true);
	lane_start(l, g, run_count, drop, &ran, &c);
	lane_append(l, g, &a, 1, &append);
	wait_hanging(&t, 2);
	lane_detach(l);
	tap_is_u64(lane_state(l), LANE_ABSENT, "is taken away");
	tap_is_u64(t.closed, 0, "but stays open for the call under way");
	tap_is_u64(lane_attach(l, &u.drive), EC_OK, "another one comes");
	tap_is_u64(lane_call(l, run_count, drop, &ran, 5000), EC_OK,
	    "works though the old one hangs");
	lane_call_put(append);
	tap_is_u64(lane_append(l, g, &a, 1, &append), EC_OK, "appends, too");
	tap_is_u64(gather_wait(g, 1, in_ms(5000)), 1, "are done");
	tap_ok(lane_call_done(append, &e) && e == EC_OK && u.records == 1,
	    "on the new one");
	set_hang(&t, false);
	tap_is_u64(gather_wait(g, 3, in_ms(5000)), 3, "the old calls end");
	tap_is_u64(t.closed, 0, "open while the call is looked at");
	lane_call_put(c);
	lane_call_put(append);
	for (unsigned i = 0; i < 1000 && t.closed == 0; i++)
		usleep(1000);
	tap_is_u64(t.closed, 1, "closed after");
	gather_free(g);
	lane_free(l);
	tap_is_u64(u.closed, 1, "and so is the new one");
}

static void
test_free_hung(void)
{
	static struct test_drive t;	/* outlives the test */
	struct lane *l;
	atomic_uint ran = 0;
	uint64_t began;

	test_drive_init(&t);
	if (lane_new(&l, &t.drive, "left") != EC_OK)
		abort();
	set_hang(&t, true);
	lane_call(l, run_count, NULL, &ran, 20);
	began = clock_mono_us();
	lane_free(l);
	tap_ok(clock_mono_us() - began < (LANE_FREE_MS + 2000) * 1000,
	    "a lane with a hung call is freed in bounded time");
	tap_is_u64(t.closed, 0, "its drive is left open");
	set_hang(&t, false);
	for (unsigned i = 0; i < 3000 && t.closed == 0; i++)
		usleep(1000);
	tap_ok(t.closed == 1 && ran == 1, "until the call returns");
}

enum { STRESS_THREADS = 8, STRESS_ROUNDS = 300 };

static struct test_drive stress_drive[3];
static struct lane *stress_lane[3];
static atomic_uint stress_done, stress_offline, stress_ran;

static void *
stress(void *arg)
{
	struct drive_append a = { .rec = "rec", .len = 3 };

	for (unsigned i = 0; i < STRESS_ROUNDS; i++) {
		struct lane_call *c[6] = { NULL };
		struct lane_series *s = NULL;
		struct gather *g;
		enum err e;

		if (gather_new(&g) != EC_OK)
			abort();
		for (unsigned j = 0; j < 3; j++) {
			lane_start(stress_lane[j], g, run_count, drop,
			    &stress_ran, &c[j]);
			lane_append(stress_lane[j], g, &a, 1, &c[3 + j]);
		}
		if (i % 5 == 0 && lane_series_new(&s, stress_lane[0]) ==
		    EC_OK) {
			for (unsigned j = 0; j < 3; j++)
				lane_series_start(s, g, run_count, drop,
				    &stress_ran, NULL);
			lane_series_end(s, run_count, drop, &stress_ran);
			lane_series_free(s);
		}
		/* Leave some behind. */
		gather_wait(g, 2 + i % 5, in_ms(20000));
		for (unsigned j = 0; j < 6; j++) {
			if (lane_call_done(c[j], &e))
				stress_done++;
			if (lane_call_done(c[j], &e) && e == EC_EOFFLINE)
				stress_offline++;
			lane_call_put(c[j]);
		}
		gather_free(g);
	}
	return arg;
}

static void
test_stress(void)
{
	pthread_t thread[STRESS_THREADS];
	unsigned closed = 0;

	dropped = 0;
	for (unsigned j = 0; j < 3; j++) {
		test_drive_init(&stress_drive[j]);
		stress_drive[j].delay_us = 100 * j;
		if (lane_new(&stress_lane[j], &stress_drive[j].drive, "s") !=
		    EC_OK)
			abort();
	}
	for (unsigned i = 0; i < STRESS_THREADS; i++)
		pthread_create(&thread[i], NULL, stress, NULL);
	usleep(20000);
	stress_drive[2].fail = EC_EIO;	/* and comes back */
	usleep(20000);
	stress_drive[2].fail = EC_OK;
	for (unsigned i = 0; i < STRESS_THREADS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned j = 0; j < 3; j++) {
		lane_free(stress_lane[j]);
		closed += stress_drive[j].closed;
	}
	tap_is_u64(closed, 3, "three lanes under eight threads");
	tap_is_u64(dropped, STRESS_THREADS * STRESS_ROUNDS * 3 +
	    STRESS_THREADS * (STRESS_ROUNDS / 5) * 4, "no argument lost");
	tap_note("%u done, %u offline, %u batches for %u records", stress_done,
	    stress_offline, stress_drive[1].batches, stress_drive[1].records);
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	test_batches();
	test_series();
	test_failing();
	test_slots();
	test_stress();
	test_hung();
	test_free_hung();
	return tap_done();
}
