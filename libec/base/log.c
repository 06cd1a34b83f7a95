#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_BYTES = 2048 };

static const char *name = "ec";
static _Atomic int max_level = LOG_LEVEL_WARN;
static bool stamps, journal;	/* set before there are threads */

/* Standard error is the journal's stream when JOURNAL_STREAM, "device:inode",
 * says so (systemd.exec(5)). */
static bool
to_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return s != NULL && sscanf(s, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	    st.st_ino == ino;
}

void
log_init(const char *argv0)
{
	static const char *const level[] = { "error", "warn", "info", "debug" };
	const char *s = getenv("EC_LOG");
	int i;

	if (argv0 != NULL && *argv0 != '\0') {
		name = strrchr(argv0, '/');
		name = name == NULL ? argv0 : name + 1;
	}
	for (i = 0; s != NULL && i < 4; i++)
		if (strcmp(s, level[i]) == 0)
			max_level = i;
	journal = to_journal();
}

void
log_level_set(enum log_level level)
{
	max_level = (int)level;
}

void
log_stamps(void)
{
	stamps = true;
}

const char *
log_name(void)
{
	return name;
}

static size_t
lead(char *line, size_t len, enum log_level level)
{
	static const char priority[] = { '3', '4', '6', '7' };
	char time[32];
	int n;

	if (journal)
		n = snprintf(line, len, "<%c>%.64s: ", priority[level], name);
	else if (stamps)
		n = snprintf(line, len, "%s %.64s: ",
		    clock_text_ms(time, sizeof(time), clock_real_us()), name);
	else
		n = snprintf(line, len, "%.64s: ", name);
	return n < 0 ? 0 : (size_t)n;
}

__attribute__((format(printf, 2, 0))) static void
put(enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	int saved = errno;
	size_t at, len, i;
	int n;

	if ((int)level > max_level)
		return;
	at = lead(line, sizeof(line) - 1, level);
	n = vsnprintf(line + at, sizeof(line) - 1 - at, fmt, ap);
	len = at + (n < 0 ? 0 : (size_t)n);
	if (len > sizeof(line) - 2) {
		len = sizeof(line) - 2;
		memcpy(line + len - 3, "...", 3);
	}
	/* Names come from outside: no line breaks, no terminal controls. */
	for (i = at; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	/* Nothing can be done about a failure to log. */
	(void)!write(STDERR_FILENO, line, len);
	errno = saved;
}

#define LOG_AT(function, level) \
void \
function(const char *fmt, ...) \
{ \
	va_list ap; \
\
	va_start(ap, fmt); \
	put(level, fmt, ap); \
	va_end(ap); \
}

LOG_AT(log_error, LOG_LEVEL_ERROR)
LOG_AT(log_warn, LOG_LEVEL_WARN)
LOG_AT(log_info, LOG_LEVEL_INFO)
LOG_AT(log_debug, LOG_LEVEL_DEBUG)
