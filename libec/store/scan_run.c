/* scan_run: one process of a host at a time: it holds a lock on the folder of
 * the first drive that is here.  The kernel gives the lock back whatever ends
 * the process, and nothing is left lying about. */
#include "store/scan_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store_pools.h"

enum { SAVE_US = 5 * 1000000, WANT_US = 1000000 };

struct run {
	struct store *st;
	const struct scan_run_params *p;
	struct scan_state *s;
	uint64_t began_us, active_us;	/* of this slice; s's before it */
	uint64_t saved_us, wanted_us;	/* clock_mono_us of the last */
	uint64_t found;
	bool off;		/* leave off: s->phase and reason say how */
};

static enum err
lock_host(struct store *st, int *fd)
{
	struct store_drive_status d;

	for (unsigned i = 0; i < store_drive_count(st); i++) {
		store_drive_status(st, i, &d);
		*fd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*fd < 0)
			continue;
		if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
			return EC_OK;
		close(*fd);
		*fd = -1;
		return errno == EWOULDBLOCK ? EC_EOWNED :
		    err_from_errno(errno);
	}
	return EC_OK;
}

/* No process of this host runs one, so what says so is of the dead; of another
 * host we believe it for SCAN_STATE_SILENT_S. */
static enum err
lock_all(struct store *st, const char *host, int *fd)
{
	struct scan_state last;
	enum err e;

	if ((e = lock_host(st, fd)) != EC_OK ||
	    (e = scan_state_load(&last, st)) != EC_OK)
		return e;
	return last.phase == SCAN_RUNNING && strcmp(last.host, host) != 0 ?
	    EC_EOWNED : EC_OK;
}

static void
leave_off(struct run *r, enum scan_phase phase, const char *why)
{
	r->off = true;
	r->s->phase = phase;
	snprintf(r->s->reason, sizeof r->s->reason, "%s", why);
}

static void
save(struct run *r, uint64_t now)
{
	enum err e;

	r->s->active_us = r->active_us + now - r->began_us;
	r->saved_us = now;
	if (r->p->keep && (e = scan_state_save(r->s, r->st)) != EC_OK)
		log_warn("how far the scan is could not be kept: %s",
		    err_text(e));
}

static void
obey(struct run *r, uint64_t now)
{
	enum scan_phase want;

	r->wanted_us = now;
	want = scan_state_wanted(r->st, r->s->id);
	if (want == SCAN_PAUSED || want == SCAN_STOPPED)
		leave_off(r, want, "by hand");
}

static bool
progress(void *ctx, uint64_t versions, uint64_t bytes)
{
	struct run *r = ctx;
	uint64_t now = clock_mono_us();

	if (r->p->progress != NULL &&
	    r->p->progress(r->p->ctx, versions, bytes))
		leave_off(r, SCAN_PAUSED, "interrupted");
	else if (r->p->interrupt != NULL && *r->p->interrupt)
		leave_off(r, SCAN_PAUSED, "interrupted");
	else if (r->p->time_s > 0 &&
	    now - r->began_us >= r->p->time_s * 1000000)
		leave_off(r, SCAN_PAUSED, "time is up");
	else if (r->p->errors > 0 && r->found >= r->p->errors)
		leave_off(r, SCAN_PAUSED, "so many findings");
	else if (r->p->keep && now - r->wanted_us >= WANT_US)
		obey(r, now);
	if (!r->off && now - r->saved_us >= SAVE_US)
		save(r, now);
	return r->off;
}

static void
found(void *ctx, const struct scan_finding *f)
{
	struct run *r = ctx;

	r->found++;
	if (r->p->found != NULL)
		r->p->found(r->p->ctx, f);
}

/* The slot of the drive that the scan is confined to: -1 without one. */
static bool
find_drive(const struct scan_state *s, struct set *set, int *slot)
{
	*slot = -1;
	if (s->drive[0] == '\0')
		return true;
	for (unsigned i = 0; i < set_drives(set); i++)
		if (strcmp(lane_name(set_lane(set, i)), s->drive) == 0)
			*slot = (int)i;
	return *slot >= 0;
}

static bool
in_pool(const struct scan_state *s, struct store *st, unsigned set)
{
	struct pool_status p;

	for (unsigned i = 0; i < store_pools(st); i++) {
		store_pool_status(st, i, &p);
		if (s->only_pool == p.number + 1)
			return set >= p.first_set && set < p.first_set +
			    p.sets;
	}
	return s->only_pool == 0;
}

/* Whether set ${i} is to be looked at. */
static bool
is_wanted(const struct scan_state *s, struct store *st, unsigned i)
{
	int slot;

	return (s->only_set == 0 || s->only_set == i + 1) &&
	    in_pool(s, st, i) && find_drive(s, store_set(st, i), &slot);
}

static enum err
check_wanted(const struct scan_state *s, struct store *st)
{
	for (unsigned i = 0; i < store_sets(st); i++)
		if (is_wanted(s, st, i))
			return EC_OK;
	log_error("there is no such pool, set or drive");
	return EC_ENOTFOUND;
}

uint64_t
scan_run_count(struct store *st, const struct scan_state *s)
{
	uint64_t total = 0, n;

	for (unsigned i = 0; i < store_sets(st); i++) {
		if (s->known || !is_wanted(s, st, i))
			continue;
		if (scan_count(store_set(st, i),
		    s->bucket[0] != '\0' ? s->bucket : NULL,
		    s->prefix[0] != '\0' ? s->prefix : NULL, &n) != EC_OK)
			return 0;
		total += n;
	}
	return total;
}

/* One set, from where it was left. */
static enum err
run_set(struct run *r)
{
	struct scan_state *s = r->s;
	char bucket[sizeof s->r.at_bucket], key[sizeof s->r.at_key];
	struct scan_params p = {
		.deep = s->deep, .known = s->known, .rate = r->p->rate,
		.bucket = s->bucket[0] != '\0' ? s->bucket : NULL,
		.prefix = s->prefix[0] != '\0' ? s->prefix : NULL,
		.since_us = s->since_us, .litter_age_s = r->p->litter_age_s,
		.after_bucket = s->r.at_bucket[0] != '\0' ? bucket : NULL,
		.after_key = s->r.at_bucket[0] != '\0' ? key : NULL,
		.progress = progress, .found = found, .ctx = r,
	};

	memcpy(bucket, s->r.at_bucket, sizeof bucket);
	memcpy(key, s->r.at_key, sizeof key);
	find_drive(s, store_set(r->st, s->set), &p.only);
	return scan_set(store_set(r->st, s->set), &p, &s->r);
}

static enum err
run_sets(struct run *r)
{
	struct scan_state *s = r->s;
	enum err e;

	for (; s->set < store_sets(r->st); s->set++) {
		if (!is_wanted(s, r->st, s->set))
			continue;
		e = run_set(r);
		if (r->off)
			return EC_OK;
		if (e == EC_ENOMEM)
			return e;
		if (e != EC_OK && e != EC_EDEGRADED && e != EC_ELOST)
			log_error("set %u: %s", s->set, err_text(e));
		s->worst = heal_worse(s->worst, e);
		s->r.at_bucket[0] = s->r.at_key[0] = '\0';
	}
	s->phase = SCAN_FINISHED;
	s->reason[0] = '\0';
	s->finished_us = clock_real_us();
	return EC_OK;
}

/* What the counts say, for a pass that did not come to the end of a set. */
static enum err
worst_so_far(const struct scan_state *s)
{
	enum err e = s->worst;

	if (s->r.lost > 0)
		e = heal_worse(e, EC_ELOST);
	if (s->r.degraded + s->r.damaged + s->r.undecided + s->r.litter +
	    s->r.drives > 0)
		e = heal_worse(e, EC_EDEGRADED);
	return e;
}

enum err
scan_run(struct store *st, const struct scan_run_params *p,
    struct scan_state *s)
{
	struct run r = { .st = st, .p = p, .s = s,
		.began_us = clock_mono_us(), .active_us = s->active_us };
	struct stamp id = stamp_new();
	char host[sizeof s->host] = "";
	int fd = -1;
	enum err e;

	if ((e = check_wanted(s, st)) != EC_OK)
		return e;
	gethostname(host, sizeof host - 1);
	if (p->keep && (e = lock_all(st, host, &fd)) != EC_OK)
		goto out;
	memcpy(s->host, host, sizeof s->host);
	if (s->began_us == 0) {
		s->began_us = clock_real_us();
		stamp_text(s->id, &id);
	}
	s->phase = SCAN_RUNNING;
	s->reason[0] = '\0';
	save(&r, r.began_us);
	e = run_sets(&r);
	save(&r, clock_mono_us());
	if (e == EC_OK)
		e = worst_so_far(s);
out:
	if (fd >= 0)
		close(fd);
	return e;
}
