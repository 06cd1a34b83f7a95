/* tap: what a unit test says, in the Test Anything Protocol.
 *
 *	tap_ok(e == EC_OK, "opens an empty file");
 *	tap_is_u64(len, 42, "length of %s", name);
 *	return tap_done();
 *
 * One thread at a time.  A failed check does not end the test. */
#ifndef TAP_H
#define TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_count, tap_failures;

static inline bool
tap_vresult(const char *file, int line, bool good, const char *fmt, va_list ap)
{
	printf("%sok %u - ", good ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	putchar('\n');
	if (!good) {
		tap_failures++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);	/* what was said survives a crash */
	return good;
}

__attribute__((format(printf, 4, 5))) static inline bool
tap_result(const char *file, int line, bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_vresult(file, line, good, fmt, ap);
	va_end(ap);
	return good;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_result_u64(const char *file, int line, uint64_t got, uint64_t want,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_vresult(file, line, got == want, fmt, ap);
	va_end(ap);
	if (got != want)
		printf("#   got  %" PRIu64 " (0x%" PRIx64 ")\n"
		    "#   want %" PRIu64 " (0x%" PRIx64 ")\n",
		    got, got, want, want);
	return got == want;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_result_str(const char *file, int line, const char *got, const char *want,
    const char *fmt, ...)
{
	bool good = got != NULL && want != NULL ? strcmp(got, want) == 0 :
	    got == want;
	va_list ap;

	va_start(ap, fmt);
	tap_vresult(file, line, good, fmt, ap);
	va_end(ap);
	if (!good)
		printf("#   got  %s\n#   want %s\n", got ? got : "(null)",
		    want ? want : "(null)");
	return good;
}

/* Check ${good}; the rest names the check, as printf.  Each returns whether
 * it held. */
#define tap_ok(good, ...) \
	tap_result(__FILE__, __LINE__, (good), __VA_ARGS__)

/* Check that two numbers, or two strings (NULL equals NULL), are the same. */
#define tap_is_u64(got, want, ...) \
	tap_result_u64(__FILE__, __LINE__, (got), (want), __VA_ARGS__)
#define tap_is_str(got, want, ...) \
	tap_result_str(__FILE__, __LINE__, (got), (want), __VA_ARGS__)

/* A line for whoever reads the output; not a result. */
__attribute__((format(printf, 1, 2))) static inline void
tap_note(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Count one check as skipped; the text says why. */
__attribute__((format(printf, 1, 2))) static inline void
tap_skip(const char *fmt, ...)
{
	va_list ap;

	printf("ok %u # skip ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Print the plan; the result is main's: 0 if and only if no check failed and
 * there was one. */
static inline int
tap_done(void)
{
	printf("1..%u\n", tap_count);
	return fflush(stdout) != 0 || tap_failures != 0 || tap_count == 0;
}

#endif
