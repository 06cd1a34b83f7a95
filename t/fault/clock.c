/* clock: a library to preload that makes a program's clock wrong.
 *
 *	LD_PRELOAD=clock.so EC_CLOCK_AHEAD=-3600 ec-s3d ...
 *
 * The time of day is EC_CLOCK_AHEAD seconds off; intervals and the times of
 * files are right. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

static time_t ahead;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void
load(void)
{
	const char *s = getenv("EC_CLOCK_AHEAD");

	ahead = s == NULL ? 0 : strtol(s, NULL, 10);
}

EXPORT int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc;

	if (real_gettime == NULL)
		real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(
		    RTLD_NEXT, "clock_gettime");
	rc = real_gettime(id, ts);
	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += ahead;
	return rc;
}

EXPORT int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

EXPORT time_t
time(time_t *out)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
