/* clock: time, and the hybrid logical clock that orders versions.
 *
 * An hlc is (microseconds since 1970) << 12 | counter: 52 bits of time last
 * until 2112.  (Kulkarni et al., "Logical Physical Clocks", 2014.) */
#ifndef CLOCK_H
#define CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_mono_us(void);	/* for intervals; never goes back */
uint64_t clock_real_us(void);	/* since 1970-01-01T00:00:00Z */

/* A value above every earlier result and every value observed in this
 * process, close to real time.  Threads: all. */
uint64_t clock_hlc(void);

/* Make later results pass ${hlc}; values more than a day ahead of real time
 * are observed too, but logged once.  The last 2^40 values of all are ignored,
 * so that a damaged one cannot make the clock wrap. */
void clock_hlc_observe(uint64_t hlc);

static inline uint64_t
clock_hlc_us(uint64_t hlc)
{
	return hlc >> 12;
}

/* "2026-11-22T13:01:07Z" or, with ms, "2026-11-22T13:01:07.123Z", in ${buf}
 * of ${len} >= 32 bytes; returns it. */
const char *clock_text(char *buf, size_t len, uint64_t real_us);
const char *clock_text_ms(char *buf, size_t len, uint64_t real_us);

#endif
