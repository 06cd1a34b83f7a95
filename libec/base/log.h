/* log: messages for people, on standard error, one line each.
 *
 * "ec-put: drive 3: /d3: No space left".  When standard error is the systemd
 * journal each line is led by its priority <3> instead of a time.  A line is
 * one write, so lines of several threads never mix. */
#ifndef LOG_H
#define LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };

/* Name the program (the part of ${argv0} after the last slash) and read
 * EC_LOG (error, warn, info, debug; default warn).  Call once, first. */
void log_init(const char *argv0);
void log_level_set(enum log_level level);

/* With LOG_STAMPS each line is led by an RFC 3339 UTC time: for daemons. */
void log_stamps(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The program's name as log_init was told. */
const char *log_name(void);

#endif
