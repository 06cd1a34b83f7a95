#include "watch.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void
watch_begin(pid_t pid)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)pid);
	if (pid == 0 || (f = fopen(path, "w")) == NULL)
		return;
	fputs("5", f);
	fclose(f);
}

/* The sum of what follows ${name} in the lines of a file that begin so. */
static uint64_t
field(const char *path, const char *name)
{
	char line[256];
	unsigned long long v;
	uint64_t sum = 0;
	FILE *f;

	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0 &&
		    sscanf(line + strlen(name), "%llu", &v) == 1)
			sum += v;
	fclose(f);
	return sum;
}

static double
cpu_seconds(pid_t pid)
{
	unsigned long user = 0, sys = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
	    "%*u %lu %lu", &user, &sys) != 2)
		user = sys = 0;
	fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static uint64_t
switches(pid_t pid)
{
	char path[64 + sizeof(((struct dirent *)0)->d_name)];
	uint64_t sum = 0;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if ((dir = opendir(path)) == NULL)
		return 0;
	while ((d = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status",
		    (int)pid, d->d_name);
		sum += field(path, "voluntary_ctxt_switches:");
		sum += field(path, "nonvoluntary_ctxt_switches:");
	}
	closedir(dir);
	return sum;
}

/* The 16th figure of a disk's statistics; a partition's disk has them. */
static uint64_t
disk_flushes(const char *disk)
{
	static const char *const above[] = { "/..", "" };
	unsigned long long v[16];
	struct stat st;
	char path[64];
	unsigned n = 0;
	FILE *f;

	if (disk == NULL || stat(disk, &st) != 0)
		return 0;
	for (unsigned i = 0; i < 2 && n != 16; i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u%s/stat",
		    major(st.st_dev), minor(st.st_dev), above[i]);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		for (n = 0; n < 16 && fscanf(f, "%llu", &v[n]) == 1; n++)
			;
		fclose(f);
	}
	return n == 16 ? v[15] : 0;
}

void
watch_read(struct watch *w, pid_t pid, const char *disk)
{
	char path[64];

	*w = (struct watch){ .flushes = disk_flushes(disk) };
	if (pid == 0)
		return;
	w->cpu_s = cpu_seconds(pid);
	w->switches = switches(pid);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	w->peak_mib = (double)field(path, "VmHWM:") / 1024;
	w->anon_mib = (double)field(path, "RssAnon:") / 1024;
	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	w->calls = field(path, "syscr:") + field(path, "syscw:");
	w->written = field(path, "write_bytes:");
}

struct watch
watch_between(const struct watch *from, const struct watch *to)
{
	struct watch w = *to;

	w.cpu_s -= from->cpu_s;
	w.calls -= from->calls;
	/* Threads that have ended took theirs with them. */
	w.switches -= from->switches < w.switches ? from->switches :
	    w.switches;
	w.written -= from->written;
	w.flushes -= from->flushes;
	return w;
}
