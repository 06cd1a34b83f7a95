/* progress: one line on standard error that is rewritten, if that is a
 * terminal; nothing otherwise.  "12,345 of 99,999 versions, 1.2 GiB, 350 MiB/s,
 * 0:12 left".  The rate and the time left are those of the last minute. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on;
	bool shown;		/* there is a line to be wiped */
	const char *things;
	uint64_t total;		/* 0: not known */
	uint64_t shown_us;
	/* Where the window begins, and where the next one will. */
	uint64_t from_us, from_done, from_bytes;
	uint64_t next_us, next_done, next_bytes;
};

/* ${things} are what is counted; ${quiet}: never show anything. */
void progress_init(struct progress *p, const char *things, bool quiet);

/* Show it, at most eight times a second. */
void progress_show(struct progress *p, uint64_t done, uint64_t bytes);

/* Wipe the line, before something else is written to the terminal. */
void progress_wipe(struct progress *p);

#endif
