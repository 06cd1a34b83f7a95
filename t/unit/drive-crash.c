/* States that a crash may leave on a drive: what it does is recorded
 * (drive_trace.h), cut off at each point in turn, and built again with
 *
 *  - every write that was flushed, and of the others some, whole or torn at a
 *    sector, or only their length;
 *  - every name that was flushed with its folder, and of the others in each
 *    folder the first so many.
 *
 * Then what was acknowledged until that point is there, what was purged is
 * not, the drive works, and does so with an index made anew.
 * EC_STATES: how many; EC_SEED. */
#include <ftw.h>
#include <time.h>

#include "../lib/tap.h"
#include "base/log.h"
#include "drive_trace.h"

enum { SECTOR = 512, FILE_MAX = 8 << 20, NODES_MAX = 512 };

struct file {
	uint8_t *bytes;
	size_t len, cap;
	unsigned synced, ops;	/* of trace ops that concern it */
};

struct node {		/* a name that is there */
	char path[TRACE_PATH_MAX];
	bool folder;
	unsigned file;
};

static struct file files[TRACE_FILES_MAX];
static struct node nodes[NODES_MAX];
static unsigned node_count;
static char work[32], state[48];
static uint64_t dice;
static unsigned index_from, index_end;

static unsigned
roll(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)((dice * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % n;
}

static struct node *
node_find(const char *path)
{
	for (unsigned i = 0; i < node_count; i++)
		if (strcmp(nodes[i].path, path) == 0)
			return &nodes[i];
	return NULL;
}

static size_t
parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? 0 : (size_t)(slash - path);
}

static bool
same_parent(const char *path, const char *folder)
{
	size_t len = parent_len(path);

	return strlen(folder) == len && memcmp(path, folder, len) == 0;
}

static void
node_put(const char *path, bool folder, unsigned file)
{
	struct node *n = node_find(path);
	char parent[TRACE_PATH_MAX] = "";

	memcpy(parent, path, parent_len(path));
	if (parent[0] != '\0' && node_find(parent) == NULL)
		return;		/* its folder was lost */
	if (n == NULL && node_count == NODES_MAX)
		abort();
	if (n == NULL)
		n = &nodes[node_count++];
	snprintf(n->path, sizeof n->path, "%s", path);
	n->folder = folder;
	n->file = file;
}

static void
node_drop(const char *path)
{
	struct node *n = node_find(path);

	if (n != NULL)
		*n = nodes[--node_count];
}

/* The file that a name meant when op ${at} was done, whatever was lost. */
static unsigned
file_at(const char *path, unsigned at)
{
	while (at-- > 0) {
		const struct trace_op *op = &trace[at];

		if (op->kind >= TRACE_CREATE && op->kind != TRACE_SYNC_DIR &&
		    op->kind != TRACE_UNLINK && strcmp(op->path, path) == 0)
			return op->kind == TRACE_CREATE ? op->file :
			    file_at(op->from, at);
	}
	abort();
}

static bool
of_name(enum trace_kind kind)
{
	return kind >= TRACE_CREATE && kind < TRACE_SYNC_DIR;
}

/* How many operations on names in a folder, of those before ${end}, are kept:
 * those flushed at least. */
static unsigned
names_kept(const char *folder, unsigned end, unsigned mode)
{
	unsigned n = 0, synced = 0;

	for (unsigned i = 0; i < end; i++) {
		if (of_name(trace[i].kind))
			n += same_parent(trace[i].path, folder);
		else if (trace[i].kind == TRACE_SYNC_DIR &&
		    strcmp(trace[i].path, folder) == 0)
			synced = n;
	}
	if (mode == 0)
		return synced;
	return mode == 1 ? n : synced + roll(n - synced + 1);
}

static void
name_apply(unsigned at)
{
	const struct trace_op *op = &trace[at];

	switch (op->kind) {
	case TRACE_CREATE:
		node_put(op->path, false, op->file);
		break;
	case TRACE_MKDIR:
		node_put(op->path, true, 0);
		break;
	case TRACE_RENAME:
		node_drop(op->from);
		node_put(op->path, false, file_at(op->from, at));
		break;
	case TRACE_LINK:
		node_put(op->path, false, file_at(op->from, at));
		break;
	default:
		node_drop(op->path);
		break;
	}
}

static void
names_build(unsigned end, unsigned mode)
{
	static struct { char path[TRACE_PATH_MAX]; unsigned left; } folder[64];
	unsigned folders = 0, f;

	node_count = 0;
	for (unsigned i = 0; i < end; i++) {
		char parent[TRACE_PATH_MAX] = "";

		if (!of_name(trace[i].kind))
			continue;
		memcpy(parent, trace[i].path, parent_len(trace[i].path));
		for (f = 0; f < folders; f++)
			if (strcmp(folder[f].path, parent) == 0)
				break;
		if (f == folders) {
			if (++folders == 64)
				abort();
			strcpy(folder[f].path, parent);
			folder[f].left = names_kept(parent, end, mode);
		}
		if (folder[f].left > 0) {
			folder[f].left--;
			name_apply(i);
		}
	}
}

static void
file_write(struct file *f, const struct trace_op *op, size_t from, size_t to,
    bool bytes)
{
	size_t end = (size_t)op->off + to;

	if (from == to)
		return;
	if (end > FILE_MAX)
		abort();
	if (end > f->cap) {
		f->bytes = realloc(f->bytes, end * 2);
		f->cap = end * 2;
		if (f->bytes == NULL)
			abort();
	}
	if (end > f->len) {
		memset(f->bytes + f->len, 0, end - f->len);
		f->len = end;
	}
	if (bytes)
		memcpy(f->bytes + op->off + from, op->data + from, to - from);
}

/* A write that was not flushed. */
static void
file_write_some(struct file *f, const struct trace_op *op, unsigned mode)
{
	size_t cut = op->len > SECTOR ? SECTOR - (size_t)op->off % SECTOR +
	    (size_t)roll((unsigned)(op->len / SECTOR)) * SECTOR : 0;
	unsigned what = mode == 0 ? 0 : mode == 1 ? 1 : roll(5);

	if (cut > op->len)
		cut = op->len;
	if (what == 1)
		file_write(f, op, 0, op->len, true);
	else if (what == 2)
		file_write(f, op, 0, cut, true);
	else if (what == 3)
		file_write(f, op, cut, op->len, true);
	else if (what == 4)
		file_write(f, op, 0, op->len, false);
}

static void
files_build(unsigned end, unsigned mode)
{
	for (unsigned i = 0; i < trace_files; i++)
		files[i].len = files[i].synced = files[i].ops = 0;
	for (unsigned i = 0; i < end; i++)
		if (trace[i].kind == TRACE_SYNC)
			files[trace[i].file].synced = i;
	for (unsigned i = 0; i < end; i++) {
		const struct trace_op *op = &trace[i];
		struct file *f = &files[op->file];

		if (op->kind == TRACE_WRITE && i < f->synced)
			file_write(f, op, 0, op->len, true);
		else if (op->kind == TRACE_WRITE)
			file_write_some(f, op, mode);
		else if (op->kind == TRACE_CUT && (i < f->synced ||
		    mode == 1 || (mode > 1 && roll(2) == 0)) &&
		    f->len > op->off)
			f->len = (size_t)op->off;
	}
}

static void
put_file(const char *path, const struct file *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t at = 0;

	while (fd >= 0 && at < f->len) {
		ssize_t n = write(fd, f->bytes + at, f->len - at);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	if (fd < 0 || at < f->len || close(fd) != 0)
		abort();
}

static int
rm(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int
node_cmp(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path,
	    ((const struct node *)b)->path);
}

/* The folder ${state} as after a crash before op ${end}. */
static void
build(unsigned end, unsigned mode)
{
	char path[sizeof state + TRACE_PATH_MAX + 32];

	(void)nftw(state, rm, 16, FTW_DEPTH | FTW_PHYS);
	if (mkdir(state, 0700) != 0)
		abort();
	names_build(end, mode);
	files_build(end, mode);
	qsort(nodes, node_count, sizeof nodes[0], node_cmp);
	for (unsigned i = 0; i < node_count; i++) {
		snprintf(path, sizeof path, "%s/%.*s", state, TRACE_PATH_MAX,
		    nodes[i].path);
		if (nodes[i].folder && mkdir(path, 0700) != 0)
			abort();
		if (!nodes[i].folder && strstr(path, "-shm") == NULL)
			put_file(path, &files[nodes[i].file]);
	}
}

/* From an empty folder, formatted and used; then the index is lost, and made
 * anew between ${index_from} and ${index_end}. */
static void
record_all(void)
{
	char path[sizeof dir + 16];
	struct drive *d = NULL;

	snprintf(dir, sizeof dir, "%s/drive", work);
	trace_on = true;
	fresh();
	scenario();
	snprintf(path, sizeof path, "%s/.ec/index.db", dir);
	index_from = trace_count;
	if (unlink(path) != 0 || local_open(&d, dir, "", NULL) != EC_OK)
		abort();
	index_end = trace_count;
	drive_close(d);
	trace_on = false;
	trace_add(TRACE_SYNC_DIR);	/* the end of all */
}

/* How many names that were made since op ${from} a crash may still take. */
static unsigned
names_at_risk(unsigned from)
{
	unsigned n = 0;

	for (unsigned i = from; i < trace_count; i++) {
		unsigned k = i;

		if (trace[i].kind != TRACE_MKDIR &&
		    trace[i].kind != TRACE_RENAME)
			continue;
		while (k < trace_count && (trace[k].kind != TRACE_SYNC_DIR ||
		    !same_parent(trace[i].path, trace[k].path)))
			k++;
		n += k == trace_count;
	}
	return n;
}

/* A drive is one for good when it was formatted, also where somebody had begun,
 * and one that lost folders gets them back for good. */
static void
test_names(void)
{
	struct format f = kit_format();
	struct drive *d = NULL;
	char path[sizeof dir + 8];
	unsigned from;

	snprintf(dir, sizeof dir, "%s/names", work);
	snprintf(path, sizeof path, "%s/shard", dir);
	if (mkdir(dir, 0700) != 0 || mkdir(path, 0700) != 0)
		abort();
	trace_on = true;
	tap_ok(local_format(dir, &f) == EC_OK && trace_count > 0 &&
	    names_at_risk(0) == 0, "formatted, where shard is: for good");
	from = trace_count;
	if (remove(path) != 0)
		abort();
	tap_ok(local_open(&d, dir, "", NULL) == EC_OK && trace_count > from &&
	    names_at_risk(from) == 0, "opened, where shard is not: for good");
	drive_close(d);
	trace_on = false;
	for (unsigned i = 0; i < trace_count; i++)
		free(trace[i].data);
	memset(trace, 0, trace_count * sizeof trace[0]);
	trace_count = trace_files = 0;
}

/* Is the page that says that an index is whole written only when the rest was
 * flushed?  (Of an SQLite file: offset 60, its user version.) */
static bool
index_said_last(void)
{
	enum { USER_VERSION = 60 };
	bool said = false, pending[TRACE_FILES_MAX] = { false };

	for (unsigned i = index_from; i < index_end; i++) {
		const struct trace_op *op = &trace[i];

		if (op->kind == TRACE_SYNC)
			pending[op->file] = false;
		if (op->kind != TRACE_WRITE)
			continue;
		if (op->off == 0 && op->len > USER_VERSION + 3 &&
		    memcmp(op->data, "SQLite format 3", 16) == 0 &&
		    op->data[USER_VERSION + 3] != 0) {
			if (!said && pending[op->file])
				return false;
			said = true;
		}
		pending[op->file] = true;
	}
	return said;
}

/* When a segment is begun, are all of the journal's files durable? */
static bool
segments_end_flushed(void)
{
	bool journal[TRACE_FILES_MAX] = { false };
	bool pending[TRACE_FILES_MAX] = { false };
	unsigned begun = 0;

	for (unsigned i = 0; i < trace_count; i++) {
		const struct trace_op *op = &trace[i];

		if (op->kind <= TRACE_SYNC)
			pending[op->file] = op->kind != TRACE_SYNC;
		if (op->kind != TRACE_CREATE ||
		    strstr(op->path, ".seg") == NULL)
			continue;
		for (unsigned f = 0; f < trace_files; f++)
			if (journal[f] && pending[f])
				return false;
		journal[op->file] = true;
		begun++;
	}
	return begun > 2;
}

/* Before the format is durable there is no drive to lose. */
static unsigned
first_point(void)
{
	for (unsigned i = 0; i < trace_count; i++)
		if (trace[i].acked.object[0] == MAYBE)
			return i;
	abort();
}

int
main(void)
{
	const char *count = getenv("EC_STATES"), *seed = getenv("EC_SEED");
	unsigned states = count != NULL ? (unsigned)atoi(count) : 300;
	unsigned long first_seed = seed != NULL ? strtoul(seed, NULL, 10) :
	    (unsigned long)time(NULL) % 100000 * 1000000;
	unsigned wrong = 0, from, point;
	char cmd[128];

	log_level_set(LOG_LEVEL_ERROR);
	snprintf(work, sizeof work, "%s/ec-crash.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	acked = calloc(1, sizeof *acked);
	if (freopen("/dev/null", "w", stderr) == NULL || acked == NULL ||
	    mkdtemp(work) == NULL)
		abort();
	memset(big, 0x5a, sizeof big);
	test_names();
	record_all();
	from = first_point();
	tap_note("%u operations on %u files recorded", trace_count,
	    trace_files);
	tap_ok(trace_count > 200 && trace_files > 10, "a trace");
	tap_ok(index_said_last(), "an index is not said to be whole before");
	tap_ok(segments_end_flushed(), "nor a segment begun before the last "
	    "is durable");
	snprintf(state, sizeof state, "%s/state", work);
	memcpy(dir, state, sizeof state);
	for (unsigned i = 0; i < states; i++) {
		dice = (first_seed + i) * 2 + 1;
		roll(2);
		/* A fifth of them while the index is made. */
		if (i % 5 == 0)
			point = index_from + roll(index_end - index_from);
		else
			point = from + roll(trace_count - from);
		build(point, roll(6));
		*acked = trace[point].acked;
		if (check() == 0)
			continue;
		if (wrong++ < 5)
			tap_note("wrong at operation %u: EC_STATES=%u "
			    "EC_SEED=%lu", point, i + 1, first_seed);
	}
	tap_ok(wrong == 0, "%u states after a crash, %u wrong", states, wrong);
	for (unsigned i = 0; i < trace_count; i++)
		free(trace[i].data);
	for (unsigned i = 0; i < trace_files; i++)
		free(files[i].bytes);
	free(acked);
	kit_release();
	snprintf(cmd, sizeof cmd, "rm -rf %s", work);
	return system(cmd) != 0 || tap_done();
}
