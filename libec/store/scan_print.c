/* scan_print: a scan's state, for people and programs. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "store/scan_state.h"

uint64_t
scan_state_left_us(const struct scan_state *s)
{
	if (s->total <= s->r.versions || s->r.versions == 0)
		return 0;
	return (uint64_t)((double)s->active_us / (double)s->r.versions *
	    (double)(s->total - s->r.versions));
}

/* "01:02:31" */
static enum err
print_time(struct buf *b, uint64_t us)
{
	uint64_t s = us / 1000000;

	return buf_printf(b, "%02llu:%02llu:%02llu",
	    (unsigned long long)(s / 3600), (unsigned long long)(s / 60 % 60),
	    (unsigned long long)(s % 60));
}

static enum err
print_what(struct buf *b, const struct scan_state *s)
{
	uint64_t when = s->phase == SCAN_RUNNING ? s->began_us : s->saved_us;
	char text[32];
	enum err e;

	if ((e = buf_printf(b, "  scan: %s%s scan %s%s%s%s %s", s->deep ?
	    "deep" : "light", s->bucket[0] != '\0' || s->drive[0] != '\0' ||
	    s->only_pool + s->only_set > 0 ? " (of a part)" : "",
	    scan_state_text(s->phase), s->reason[0] != '\0' ? " (" : "",
	    s->reason, s->reason[0] != '\0' ? ")" : "",
	    s->phase == SCAN_RUNNING ? "since " : "")) != EC_OK)
		return e;
	return buf_printf(b, "%s\n", clock_text(text, sizeof text, when));
}

static enum err
print_pace(struct buf *b, const struct scan_state *s)
{
	uint64_t left = scan_state_left_us(s);
	enum err e;

	if (s->phase != SCAN_RUNNING && s->phase != SCAN_PAUSED)
		return EC_OK;
	if (s->total > 0 && (e = buf_printf(b, ", %.2f%% done", 100.0 *
	    (double)num_min(s->r.versions, s->total) / (double)s->total)) !=
	    EC_OK)
		return e;
	if (left == 0)
		return EC_OK;
	if ((e = buf_add_str(b, ", ")) != EC_OK ||
	    (e = print_time(b, left)) != EC_OK)
		return e;
	return buf_add_str(b, " to go");
}

enum err
scan_state_print(struct buf *b, const struct scan_state *s)
{
	uint64_t bad = s->r.degraded + s->r.damaged + s->r.undecided;
	char bytes[16];
	enum err e;

	if (s->phase == SCAN_IDLE)
		return buf_add_str(b, "  scan: none requested\n");
	if ((e = print_what(b, s)) != EC_OK ||
	    (e = buf_printf(b, "        %llu of %llu versions, %s read in ",
	    (unsigned long long)s->r.versions, (unsigned long long)
	    (s->total > s->r.versions ? s->total : s->r.versions),
	    num_size_text(bytes, sizeof bytes, s->r.bytes))) != EC_OK ||
	    (e = print_time(b, s->active_us)) != EC_OK ||
	    (e = buf_printf(b, ", %llu found, %llu lost", (unsigned long long)
	    (bad + s->r.litter), (unsigned long long)s->r.lost)) != EC_OK ||
	    (e = print_pace(b, s)) != EC_OK)
		return e;
	return buf_add(b, "\n", 1);
}

enum err
scan_state_json(struct buf *b, const struct scan_state *s)
{
	char text[32];

	json_str(b, "state", scan_state_text(s->phase));
	json_str(b, "reason", s->reason);
	json_bool(b, "deep", s->deep);
	if (s->phase != SCAN_IDLE) {
		json_str(b, "began", clock_text(text, sizeof text,
		    s->began_us));
		json_str(b, "saved", clock_text(text, sizeof text,
		    s->saved_us));
	}
	if (s->finished_us > 0)
		json_str(b, "last_finished", clock_text(text, sizeof text,
		    s->finished_us));
	json_u64(b, "active_seconds", s->active_us / 1000000);
	json_u64(b, "left_seconds", scan_state_left_us(s) / 1000000);
	json_u64(b, "versions", s->r.versions);
	json_u64(b, "total", s->total);
	json_u64(b, "bytes_read", s->r.bytes);
	json_u64(b, "degraded", s->r.degraded);
	json_u64(b, "damaged", s->r.damaged);
	json_u64(b, "lost", s->r.lost);
	json_u64(b, "undecided", s->r.undecided);
	return json_u64(b, "litter", s->r.litter);
}

static enum err
metric(struct buf *b, const char *name, const char *type, uint64_t value)
{
	return buf_printf(b, "# TYPE ec_scan_%s %s\nec_scan_%s %llu\n", name,
	    type, name, (unsigned long long)value);
}

enum err
scan_state_metrics(struct buf *b, const struct scan_state *s, int exit_status)
{
	const struct { const char *what; uint64_t n; } found[] = {
		{ "degraded", s->r.degraded }, { "damaged", s->r.damaged },
		{ "lost", s->r.lost }, { "undecided", s->r.undecided },
		{ "litter", s->r.litter },
	};
	enum err e;

	metric(b, "last_run_timestamp_seconds", "gauge",
	    s->saved_us / 1000000);
	metric(b, "last_success_timestamp_seconds", "gauge",
	    s->finished_us / 1000000);
	metric(b, "last_exit_code", "gauge", (uint64_t)exit_status);
	metric(b, "versions", "gauge", s->r.versions);
	metric(b, "versions_expected", "gauge", s->total);
	metric(b, "read_bytes", "gauge", s->r.bytes);
	e = buf_add_str(b, "# TYPE ec_scan_findings gauge\n");
	for (unsigned i = 0; i < sizeof found / sizeof *found; i++)
		e = buf_printf(b, "ec_scan_findings{what=\"%s\"} %llu\n",
		    found[i].what, (unsigned long long)found[i].n);
	return e;
}
