/* progress: see the header. */
#include "base/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

enum { SHOW_US = 125000, WINDOW_US = 60 * 1000000 };

void
progress_init(struct progress *p, const char *things, bool quiet)
{
	*p = (struct progress){ .things = things };
	p->on = !quiet && isatty(STDERR_FILENO);
	p->from_us = p->next_us = clock_mono_us();
}

/* The window is between half of its length and all of it. */
static void
window_move(struct progress *p, uint64_t now, uint64_t done, uint64_t bytes)
{
	if (now - p->next_us < WINDOW_US / 2)
		return;
	p->from_us = p->next_us;
	p->from_done = p->next_done;
	p->from_bytes = p->next_bytes;
	p->next_us = now;
	p->next_done = done;
	p->next_bytes = bytes;
}

static void
show_left(const struct progress *p, uint64_t done, double per_us)
{
	uint64_t left_s;

	if (p->total <= done || per_us <= 0)
		return;
	left_s = (uint64_t)((double)(p->total - done) / per_us / 1e6);
	fprintf(stderr, ", %llu:%02llu:%02llu left",
	    (unsigned long long)(left_s / 3600),
	    (unsigned long long)(left_s / 60 % 60),
	    (unsigned long long)(left_s % 60));
}

void
progress_show(struct progress *p, uint64_t done, uint64_t bytes)
{
	uint64_t now = clock_mono_us(), took;
	char all[16], rate[16];

	if (!p->on || now - p->shown_us < SHOW_US)
		return;
	p->shown_us = now;
	took = now - p->from_us + 1;
	num_size_text(all, sizeof all, bytes);
	num_size_text(rate, sizeof rate, (uint64_t)((double)(bytes -
	    p->from_bytes) * 1e6 / (double)took));
	fprintf(stderr, "\r\033[K%llu", (unsigned long long)done);
	if (p->total > 0)
		fprintf(stderr, " of %llu", (unsigned long long)p->total);
	fprintf(stderr, " %s, %s, %s/s", p->things, all, rate);
	show_left(p, done, (double)(done - p->from_done) / (double)took);
	fflush(stderr);
	p->shown = true;
	window_move(p, now, done, bytes);
}

void
progress_wipe(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
