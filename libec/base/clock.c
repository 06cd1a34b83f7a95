/* Invariant: last_hlc never decreases. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"

static _Atomic uint64_t last_hlc;
static atomic_bool ahead_told;

#define DAY_US (UINT64_C(86400) * 1000 * 1000)
/* Room for 2^40 results above anything observed, so the clock cannot wrap. */
#define HLC_MAX (UINT64_MAX - (UINT64_C(1) << 40))

static uint64_t
now_us(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

uint64_t
clock_real_us(void)
{
	return now_us(CLOCK_REALTIME);
}

uint64_t
clock_hlc(void)
{
	uint64_t now = clock_real_us() << 12, last, next;

	last = atomic_load(&last_hlc);
	do {
		next = now > last ? now : last + 1;
	} while (!atomic_compare_exchange_weak(&last_hlc, &last, next));
	return next;
}

void
clock_hlc_observe(uint64_t hlc)
{
	uint64_t last;

	if (clock_hlc_us(hlc) > clock_real_us() + DAY_US &&
	    !atomic_exchange(&ahead_told, true))
		log_warn("a clock is more than a day ahead: "
		    "saw time %llu us, see that all nodes keep time",
		    (unsigned long long)clock_hlc_us(hlc));
	if (hlc > HLC_MAX)
		return;
	last = atomic_load(&last_hlc);
	while (hlc > last &&
	    !atomic_compare_exchange_weak(&last_hlc, &last, hlc))
		;
}

/* The last digits of ${v}, in ${n} places, and then ${end}. */
static char *
digits(char *p, unsigned v, unsigned n, char end)
{
	for (unsigned i = n; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	p[n] = end;
	return p + n + 1;
}

/* By hand: lists have a time in each of their entries. */
static const char *
text(char *buf, size_t len, uint64_t us, bool ms)
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm;
	char *p = buf;

	if (len < sizeof("2026-11-22T13:01:07.123Z") ||
	    gmtime_r(&t, &tm) == NULL || tm.tm_year + 1900 > 9999) {
		snprintf(buf, len, "?");
		return buf;
	}
	p = digits(p, (unsigned)tm.tm_year + 1900, 4, '-');
	p = digits(p, (unsigned)tm.tm_mon + 1, 2, '-');
	p = digits(p, (unsigned)tm.tm_mday, 2, 'T');
	p = digits(p, (unsigned)tm.tm_hour, 2, ':');
	p = digits(p, (unsigned)tm.tm_min, 2, ':');
	p = digits(p, (unsigned)tm.tm_sec, 2, ms ? '.' : 'Z');
	if (ms)
		p = digits(p, (unsigned)(us / 1000 % 1000), 3, 'Z');
	*p = '\0';
	return buf;
}

const char *
clock_text(char *buf, size_t len, uint64_t real_us)
{
	return text(buf, len, real_us, false);
}

const char *
clock_text_ms(char *buf, size_t len, uint64_t real_us)
{
	return text(buf, len, real_us, true);
}
