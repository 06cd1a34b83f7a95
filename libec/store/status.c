/* status: see the header. */
#include "store/status.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/backlog.h"
#include "store/scan_state.h"

struct set_status {
	unsigned away, drives, m;
	int spare, write_spare;
	unsigned filling;	/* new drives, not filled yet */
	struct backlog queue;
};

struct status {
	struct store *st;
	struct store_drive_status *drive;
	unsigned drives;
	struct set_status *set;
	unsigned sets;
	unsigned away, filling;
	struct backlog queue;
	unsigned bare;		/* sets that can lose no more drive */
	unsigned crowded;	/* with more new drives than parity */
	uint64_t kept_files, kept_bytes;	/* in quarantine */
	struct scan_state scan;
	int spare, write_spare;		/* the least of all sets */
	enum err result;
};

static void
status_release(struct status *s)
{
	free(s->drive);
	free(s->set);
}

static void
queue_add(struct backlog *to, const struct backlog *b)
{
	to->entries += b->entries;
	to->bytes += b->bytes;
	if (b->oldest_us > 0 &&
	    (to->oldest_us == 0 || b->oldest_us < to->oldest_us))
		to->oldest_us = b->oldest_us;
}

static void
set_look(struct status *s, unsigned i)
{
	struct set_status *ss = &s->set[i];

	ss->drives = set_drives(store_set(s->st, i));
	ss->m = set_parity(store_set(s->st, i));
	ss->spare = store_set_spare(s->st, i, &ss->write_spare);
	backlog_look(&ss->queue, store_set(s->st, i));
	queue_add(&s->queue, &ss->queue);
	/* A drive that is not filled yet is none to rely on. */
	for (unsigned j = 0; j < ss->drives; j++) {
		const struct lane *l = set_lane(store_set(s->st, i), j);

		ss->filling += lane_state(l) == LANE_ONLINE &&
		    lane_filling(l);
	}
	if (ss->spare >= 0)
		ss->spare = ss->spare > (int)ss->filling ?
		    ss->spare - (int)ss->filling : 0;
	s->filling += ss->filling;
	s->crowded += ss->filling > ss->m;
	for (unsigned j = 0; j < s->drives; j++)
		ss->away += s->drive[j].set == i &&
		    s->drive[j].state != LANE_ONLINE;
	s->away += ss->away;
	s->bare += ss->spare <= 0;
	if (i == 0 || ss->spare < s->spare)
		s->spare = ss->spare;
	if (i == 0 || ss->write_spare < s->write_spare)
		s->write_spare = ss->write_spare;
}

static enum err
status_look(struct status *s, struct store *st)
{
	s->st = st;
	s->drives = store_drive_count(st);
	s->sets = store_sets(st);
	s->drive = mem_array(s->drives, sizeof *s->drive);
	s->set = mem_array(s->sets, sizeof *s->set);
	if (s->drive == NULL || s->set == NULL)
		return EC_ENOMEM;
	for (unsigned i = 0; i < s->drives; i++) {
		store_drive_status(st, i, &s->drive[i]);
		s->kept_files += s->drive[i].stats.kept_files;
		s->kept_bytes += s->drive[i].stats.kept_bytes;
	}
	for (unsigned i = 0; i < s->sets; i++)
		set_look(s, i);
	/* Without a drive that answers the scan is the least of the worries. */
	scan_state_load(&s->scan, st);
	if (s->spare < 0 || s->write_spare < 0)
		s->result = EC_EQUORUM;
	else if (s->away > 0 || s->queue.entries > 0)
		s->result = EC_EDEGRADED;
	return EC_OK;
}

static const char *
pool_state(const struct status *s)
{
	return s->spare < 0 ? "FAULTED" :
	    s->result != EC_OK ? "DEGRADED" : "ONLINE";
}

static const char *
set_state(const struct set_status *ss)
{
	return ss->spare < 0 ? "FAULTED" :
	    ss->away > 0 ? "DEGRADED" :
	    ss->queue.entries > 0 ? "HEALING" : "ONLINE";
}

static const char *
drive_state(const struct store_drive_status *d)
{
	switch (d->state) {
	case LANE_ONLINE:
		return "ONLINE";
	case LANE_SUSPECT:
		return "FAULTED";
	default:
		return "UNAVAIL";
	}
}

static const char *
plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static enum err
text_queue(struct buf *b, const struct backlog *q)
{
	char bytes[16], when[32];

	return buf_printf(b, "%s%u version%s not yet on all drives (%s, the "
	    "oldest since %s).  ", q->entries >= BACKLOG_MAX ? "At least " :
	    "", q->entries, q->entries == 1 ? " is" : "s are",
	    num_size_text(bytes, sizeof bytes, q->bytes),
	    clock_text(when, sizeof when, q->oldest_us));
}

/* What is wrong, and how bad it is. */
static enum err
text_status(struct buf *b, const struct status *s)
{
	enum err e = buf_add_str(b, "status: ");

	if (e == EC_OK && s->away > 0)
		e = buf_printf(b, "%u drive%s cannot be used.  ", s->away,
		    plural(s->away));
	if (e == EC_OK && s->filling > 0)
		e = buf_printf(b, "%u new drive%s not filled yet.  ",
		    s->filling, s->filling == 1 ? " is" : "s are");
	if (e == EC_OK && s->queue.entries > 0)
		e = text_queue(b, &s->queue);
	if (e != EC_OK)
		return e;
	if (s->spare < 0)
		return buf_printf(b, "A set has %d drive%s too few to be "
		    "read.\n", -s->spare, plural((unsigned)-s->spare));
	if (s->write_spare < 0)
		return buf_printf(b, "All objects can be read, new ones "
		    "cannot be written.\n");
	if (s->crowded > 0)
		e = buf_printf(b, "Of %u set%s more drives are new than may be "
		    "lost: what was there before may be lost.  ", s->crowded,
		    plural(s->crowded));
	if (e == EC_OK && s->scan.r.lost > 0)
		e = buf_printf(b, "%llu version%s lost, by the last scan.  ",
		    (unsigned long long)s->scan.r.lost,
		    s->scan.r.lost == 1 ? " is" : "s are");
	if (e != EC_OK)
		return e;
	return buf_printf(b, "%s can be read; every set can lose %d "
	    "more drive%s.\n", s->crowded > 0 || s->scan.r.lost > 0 ?
	    "All others" : "All objects", s->spare, plural((unsigned)s->spare));
}

static enum err
text_action(struct buf *b, const struct status *s)
{
	if (s->result == EC_OK)
		return EC_OK;
	if (s->away > 0)
		return buf_add_str(b, "action: Attach the drive, or put an "
		    "empty one in its place; then run ec-heal.\n");
	return buf_add_str(b, "action: Run ec-heal (a server does so by "
	    "itself).\n");
}

static enum err
text_drive(struct buf *b, const struct store_drive_status *d)
{
	char total[16] = "-", free_bytes[16] = "-", when[32];
	enum err e;

	if (d->space.total > 0) {
		num_size_text(total, sizeof total,
		    d->space.total - d->space.free);
		num_size_text(free_bytes, sizeof free_bytes, d->space.free);
	}
	e = buf_printf(b, "          %-30s %-9s %6llu %6llu %10s %10s",
	    d->path, drive_state(d), (unsigned long long)d->errors,
	    (unsigned long long)d->corrupt, total, free_bytes);
	if (e == EC_OK && d->state != LANE_ONLINE)
		e = buf_printf(b, "  %s", err_text(d->why));
	if (e == EC_OK && d->state != LANE_ONLINE && d->since_us > 0)
		e = buf_printf(b, " since %s", clock_text(when, sizeof when,
		    d->since_us));
	return e == EC_OK ? buf_add(b, "\n", 1) : e;
}

/* Nobody needs to do anything about these. */
static enum err
text_kept(struct buf *b, const struct status *s)
{
	char bytes[16];

	if (s->kept_files == 0)
		return EC_OK;
	return buf_printf(b, "  kept: %llu damaged shard file%s, %s, in "
	    "quarantine (ec-heal quarantine)\n",
	    (unsigned long long)s->kept_files, s->kept_files == 1 ? "" : "s",
	    num_size_text(bytes, sizeof bytes, s->kept_bytes));
}

static enum err
text_table(struct buf *b, const struct status *s)
{
	enum err e = buf_printf(b, "config:\n        %-32s %-9s %6s %6s %10s "
	    "%10s\n", "NAME", "STATE", "ERRORS", "CKSUM", "USED", "FREE");

	for (unsigned i = 0; i < s->sets && e == EC_OK; i++) {
		e = buf_printf(b, "        set%-29u %s\n", i,
		    set_state(&s->set[i]));
		for (unsigned j = 0; j < s->drives && e == EC_OK; j++)
			if (s->drive[j].set == i)
				e = text_drive(b, &s->drive[j]);
	}
	return e;
}

static enum err
format_text(struct buf *b, const struct status *s)
{
	const struct set_status *ss = &s->set[0];
	char id[UUID_TEXT_BYTES];
	enum err e;

	uuid_text(id, store_deployment(s->st));
	if ((e = buf_printf(b, "  pool: %s  parity: %u+%u, %u set%s\n state: "
	    "%s\n", id, ss->drives - ss->m, ss->m, s->sets, plural(s->sets),
	    pool_state(s))) != EC_OK || (e = text_status(b, s)) != EC_OK ||
	    (e = text_action(b, s)) != EC_OK ||
	    (e = scan_state_print(b, &s->scan)) != EC_OK ||
	    (e = text_kept(b, s)) != EC_OK ||
	    (e = text_table(b, s)) != EC_OK)
		return e;
	return EC_OK;
}

static enum err
format_line(struct buf *b, const struct status *s)
{
	return buf_printf(b, "%s: %u of %u drives away, %s%u versions to heal, "
	    "every set can lose %d drives and take writes with %d; scan %s, "
	    "%llu lost\n", pool_state(s), s->away, s->drives,
	    s->queue.entries >= BACKLOG_MAX ? "at least " : "",
	    s->queue.entries,
	    s->spare, s->write_spare, scan_state_text(s->scan.phase),
	    (unsigned long long)s->scan.r.lost);
}

static enum err
format_rows(struct buf *b, const struct status *s)
{
	enum err e = EC_OK;

	for (unsigned i = 0; i < s->drives && e == EC_OK; i++) {
		const struct store_drive_status *d = &s->drive[i];

		e = buf_printf(b, "%s\t%u\t%u\t%s\t%llu\t%llu\t%llu\t%llu\n",
		    d->path, d->set, d->slot, drive_state(d),
		    (unsigned long long)d->errors,
		    (unsigned long long)d->corrupt,
		    (unsigned long long)(d->space.total - d->space.free),
		    (unsigned long long)d->space.free);
	}
	return e;
}

static uint64_t
queue_age(const struct status *s)
{
	uint64_t now = clock_real_us();

	return s->queue.oldest_us == 0 || s->queue.oldest_us > now ? 0 :
	    (now - s->queue.oldest_us) / 1000000;
}

/* As node_exporter's textfile collector reads them. */
static enum err
format_metrics(struct buf *b, const struct status *s)
{
	const struct { const char *name; uint64_t n; } gauge[] = {
		{ "drives", s->drives }, { "drives_away", s->away },
		{ "drives_filling", s->filling }, { "sets", s->sets },
		{ "sets_at_zero", s->bare },
		{ "heal_queue", s->queue.entries },
		{ "heal_queue_bytes", s->queue.bytes },
		{ "heal_queue_oldest_seconds", queue_age(s) },
		{ "quarantine_files", s->kept_files },
		{ "quarantine_bytes", s->kept_bytes },
		{ "status_exit_code", (uint64_t)err_exit(s->result) },
	};
	enum err e = EC_OK;

	for (unsigned i = 0; i < sizeof gauge / sizeof *gauge; i++)
		e = buf_printf(b, "# TYPE ec_%s gauge\nec_%s %llu\n",
		    gauge[i].name, gauge[i].name,
		    (unsigned long long)gauge[i].n);
	return e;
}

static void
json_drive(struct buf *b, const struct store_drive_status *d)
{
	char when[32];

	json_open(b, NULL);
	json_str(b, "type", "drive");
	json_str(b, "drive", d->path);
	json_u64(b, "set", d->set);
	json_u64(b, "slot", d->slot);
	json_str(b, "state", drive_state(d));
	if (d->state != LANE_ONLINE)
		json_str(b, "why", err_text(d->why));
	if (d->state != LANE_ONLINE && d->since_us > 0)
		json_str(b, "since", clock_text(when, sizeof when,
		    d->since_us));
	json_u64(b, "errors", d->errors);
	json_u64(b, "corrupt", d->corrupt);
	json_u64(b, "total_bytes", d->space.total);
	json_u64(b, "free_bytes", d->space.free);
	json_u64(b, "quarantine_files", d->stats.kept_files);
	json_u64(b, "quarantine_bytes", d->stats.kept_bytes);
	json_close(b);
	buf_add(b, "\n", 1);
}

static void
json_set(struct buf *b, const struct set_status *ss, unsigned i)
{
	json_open(b, NULL);
	json_str(b, "type", "set");
	json_u64(b, "set", i);
	json_str(b, "state", set_state(ss));
	json_u64(b, "drives", ss->drives);
	json_u64(b, "parity", ss->m);
	json_u64(b, "away", ss->away);
	json_i64(b, "read_spare", ss->spare);
	json_i64(b, "write_spare", ss->write_spare);
	json_u64(b, "heal_queue", ss->queue.entries);
	json_close(b);
	buf_add(b, "\n", 1);
}

static enum err
format_json(struct buf *b, const struct status *s)
{
	char id[UUID_TEXT_BYTES];

	for (unsigned i = 0; i < s->drives; i++)
		json_drive(b, &s->drive[i]);
	for (unsigned i = 0; i < s->sets; i++)
		json_set(b, &s->set[i], i);
	uuid_text(id, store_deployment(s->st));
	json_open(b, NULL);
	json_str(b, "type", "scan");
	scan_state_json(b, &s->scan);
	json_close(b);
	buf_add(b, "\n", 1);
	json_open(b, NULL);
	json_str(b, "type", "summary");
	json_str(b, "schema", "ec-status/1");
	json_str(b, "deployment", id);
	json_str(b, "state", pool_state(s));
	json_u64(b, "sets", s->sets);
	json_u64(b, "drives", s->drives);
	json_u64(b, "away", s->away);
	json_i64(b, "read_spare", s->spare);
	json_i64(b, "write_spare", s->write_spare);
	json_u64(b, "heal_queue", s->queue.entries);
	json_u64(b, "heal_queue_bytes", s->queue.bytes);
	json_u64(b, "heal_queue_oldest_s", queue_age(s));
	json_u64(b, "sets_at_zero", s->bare);
	json_u64(b, "exit", (uint64_t)err_exit(s->result));
	json_close(b);
	return buf_add(b, "\n", 1);
}

enum err
status_format(struct buf *out, struct store *st, enum status_form form)
{
	static enum err (*const format[])(struct buf *,
	    const struct status *) = {
		[STATUS_TEXT] = format_text, [STATUS_ROWS] = format_rows,
		[STATUS_LINE] = format_line, [STATUS_JSON] = format_json,
		[STATUS_METRICS] = format_metrics,
	};
	struct status s = { .st = NULL };
	enum err e = status_look(&s, st);

	if (e == EC_OK)
		e = format[form](out, &s);
	if (e == EC_OK)
		e = s.result;
	status_release(&s);
	return e;
}
