/* fault: which calls are met, and what is told of them. */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FAULTS_MAX = 8 };

static struct fault faults[FAULTS_MAX];
static size_t fault_count;
static const char *path_part, *when;
static int log_fd = -1;
uintptr_t fault_code;
size_t fault_code_len;

static void
say(const char *what, const struct fault *f, unsigned long n, const char *path)
{
	char line[PATH_MAX + 64];
	int len = snprintf(line, sizeof(line), "%s %s %lu %s\n", what,
	    fault_kinds[f->kind], n, path);

	if (log_fd >= 0 && REAL(write)(log_fd, line, (size_t)len) != len)
		abort();
}

void
fault_die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void
misuse(const char *spec)
{
	fprintf(stderr, "fault.so: cannot understand EC_FAULT: %s\n", spec);
	_exit(99);
}

/* The first of the objects is the program. */
static int
find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
		    info->dlpi_phdr[i].p_flags & PF_X) {
			fault_code = info->dlpi_addr +
			    info->dlpi_phdr[i].p_vaddr;
			fault_code_len = info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

__attribute__((constructor)) static void
load(void)
{
	const char *spec = getenv("EC_FAULT"), *log = getenv("EC_FAULT_LOG");
	char *copy, *next;

	path_part = getenv("EC_FAULT_PATH");
	when = getenv("EC_FAULT_WHEN");
	if (log != NULL) {
		log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND |
		    O_CLOEXEC, 0666);
		if (log_fd < 0 || REAL(write)(log_fd, "loaded\n", 7) != 7)
			misuse(log);
	}
	if (spec == NULL)
		return;
	dl_iterate_phdr(find_code, NULL);
	if ((copy = strdup(spec)) == NULL)
		misuse(spec);
	for (char *s = strtok_r(copy, ",", &next); s != NULL;
	    s = strtok_r(NULL, ",", &next)) {
		if (fault_count == FAULTS_MAX ||
		    !fault_parse(&faults[fault_count], s))
			misuse(spec);
		fault_count++;
	}
	free(copy);
}

__attribute__((destructor)) static void
unload(void)
{
	for (size_t i = 0; i < fault_count; i++)
		say("seen", &faults[i], atomic_load(&faults[i].seen), "-");
}

/* Where ${fd} or, below it, ${path} points to. */
static void
locate(char *out, size_t len, int fd, const char *path)
{
	char link[64];
	ssize_t n = 0;

	if (path != NULL && (fd == AT_FDCWD || path[0] == '/')) {
		snprintf(out, len, "%s", path);
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, len - 1);
	n = n < 0 ? 0 : n;
	snprintf(out + n, len - (size_t)n, "%s%s", path ? "/" : "",
	    path ? path : "");
}

static enum verdict
strike(const struct fault *f, unsigned long n, const char *path)
{
	struct timespec pause_for;

	say("met", f, n, path);
	switch (f->action) {
	case KILL:
		fault_die();
	case TORN:
		return HALF_THEN_DIE;
	case SHORT:
		return HALF;
	case DELAY:
		pause_for.tv_sec = f->argument / 1000;
		pause_for.tv_nsec = f->argument % 1000 * 1000000L;
		nanosleep(&pause_for, NULL);
		return GO;
	case ERROR:
		break;
	}
	errno = f->argument;
	return FAIL;
}

/* Is a call of ${kind} one of those that ${wanted} stands for? */
static bool
counts(enum kind wanted, enum kind kind)
{
	if (wanted == IO)
		return !fault_is_memory(kind) && kind != SEND;
	return wanted == kind || (wanted == MALLOC && kind == OWN);
}

enum verdict
fault_meet(enum kind kind, int fd, const char *path)
{
	enum verdict v = GO;
	char where[PATH_MAX];
	int saved = errno;

	if (fault_count == 0 || (fd == STDERR_FILENO && path == NULL) ||
	    (when != NULL && access(when, F_OK) != 0))
		goto out;
	if (fault_is_memory(kind))
		snprintf(where, sizeof(where), "-");
	else
		locate(where, sizeof(where), fd, path);
	if (!fault_is_memory(kind) && path_part != NULL &&
	    strstr(where, path_part) == NULL)
		goto out;
	for (size_t i = 0; i < fault_count && v == GO; i++) {
		struct fault *f = &faults[i];
		unsigned long n;

		if (!counts(f->kind, kind))
			continue;
		n = atomic_fetch_add(&f->seen, 1) + 1;
		if (f->nth != 0 && (n == f->nth || (f->onwards && n > f->nth)))
			v = strike(f, n, where);
	}
out:
	if (v != FAIL)
		errno = saved;
	return v;
}
