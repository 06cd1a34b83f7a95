/* journal: the segments of a drive and the end that is written.
 *
 * 1. The last segment is written at its end; bytes behind it are of no batch
 *    that stands.  No seq is given twice, so stale bytes behind a new frame
 *    have a smaller one and are known.
 * 2. A failed write is cut off.  A failed flush is final for its segment: the
 *    next one's header says that it ends where the last good batch did, and
 *    before that one is removed the file is cut there.
 * 3. A segment's directory entry and header are durable before any batch in it.
 * 4. A batch lies in one segment. */
#include "drive/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/os_linux.h"
#include "drive/segment.h"

enum {
	NAME_BYTES = 21,	/* "%016x.seg" and a NUL */
	OPEN_MAX = 128,
	/* More than the frames of an unreadable segment. */
	SEQ_SKIP = JOURNAL_SEGMENT_MAX / JOURNAL_FRAME_BYTES + 1,
};

struct segment {
	struct segment_header h;
	uint64_t end;		/* of what stands in it */
	int fd;			/* -1: not open */
	unsigned readers;
	bool damaged;		/* its header does not hold */
};

struct journal {
	int dir_fd;
	struct uuid drive;
	uint64_t segment_bytes;
	const char *name;
	pthread_mutex_t mutex;	/* guards segments, and fd and readers in them */
	struct segment *segments;
	size_t count, cap, open_count;
	uint64_t next_seq;
	bool broken;		/* the last segment must not be written again */
	atomic_ullong damaged, flushes;
};

static void
segment_name(char out[NAME_BYTES], uint64_t number)
{
	snprintf(out, NAME_BYTES, "%016llx.seg", (unsigned long long)number);
}

static bool
segment_name_parse(const char *name, uint64_t *number)
{
	char hex[17];
	uint8_t b[8];

	if (strlen(name) != 20 || strcmp(name + 16, ".seg") != 0)
		return false;
	memcpy(hex, name, 16);
	hex[16] = '\0';
	if (num_unhex(b, sizeof b, hex) != EC_OK)
		return false;
	*number = 0;
	for (unsigned i = 0; i < 8; i++)
		*number = *number << 8 | b[i];
	return true;
}

static struct segment *
find(struct journal *j, uint64_t number)
{
	size_t lo = 0, hi = j->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (j->segments[mid].h.number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < j->count && j->segments[lo].h.number == number ?
	    &j->segments[lo] : NULL;
}

static struct segment *
last(const struct journal *j)
{
	return j->count > 0 ? &j->segments[j->count - 1] : NULL;
}

/* Room for one more segment. */
static enum err
reserve(struct journal *j)
{
	size_t cap = j->cap > 0 ? j->cap * 2 : 16;
	struct segment *s;

	if (j->count < j->cap)
		return EC_OK;
	if ((s = mem_array(cap, sizeof *s)) == NULL)
		return EC_ENOMEM;
	if (j->count > 0)
		memcpy(s, j->segments, j->count * sizeof *s);
	free(j->segments);
	j->segments = s;
	j->cap = cap;
	return EC_OK;
}

static int
by_number(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->h.number < y->h.number ? -1 : x->h.number > y->h.number;
}

static enum err
list(struct journal *j)
{
	DIR *dir = NULL;
	const struct dirent *d;
	uint64_t number;
	enum err e = EC_OK;
	int fd;

	if ((fd = openat(j->dir_fd, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) < 0)
		return err_from_errno(errno);
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return EC_ENOMEM;
	}
	while (errno = 0, (d = readdir(dir)) != NULL) {
		if (!segment_name_parse(d->d_name, &number))
			continue;
		if ((e = reserve(j)) != EC_OK)
			goto out;
		j->segments[j->count++] = (struct segment){ .fd = -1,
			.h.number = number };
	}
	if (errno != 0)
		e = err_from_errno(errno);
	if (j->count > 0)
		qsort(j->segments, j->count, sizeof *j->segments, by_number);
out:
	closedir(dir);
	return e;
}

static enum err
segment_open(struct journal *j, struct segment *s)
{
	char name[NAME_BYTES];

	if (s->fd >= 0)
		return EC_OK;
	for (size_t i = 0; j->open_count >= OPEN_MAX && i < j->count - 1; i++)
		if (j->segments[i].fd >= 0 && j->segments[i].readers == 0) {
			close(j->segments[i].fd);
			j->segments[i].fd = -1;
			j->open_count--;
		}
	segment_name(name, s->h.number);
	if ((s->fd = os_open_beneath(j->dir_fd, name, O_RDWR, 0)) < 0)
		return err_from_errno(errno);
	j->open_count++;
	return EC_OK;
}

static void
segment_close(struct journal *j, struct segment *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	j->open_count--;
}

/* A copy of a segment, open; the segment stays, and open, until unpin. */
static enum err
pin(struct journal *j, uint64_t number, struct segment *copy)
{
	struct segment *s;
	enum err e = EC_ENOTFOUND;

	pthread_mutex_lock(&j->mutex);
	if ((s = find(j, number)) != NULL &&
	    (e = s->damaged ? EC_ECORRUPT : segment_open(j, s)) == EC_OK) {
		s->readers++;
		*copy = *s;
	}
	pthread_mutex_unlock(&j->mutex);
	return e;
}

static void
unpin(struct journal *j, uint64_t number)
{
	struct segment *s;

	pthread_mutex_lock(&j->mutex);
	if ((s = find(j, number)) != NULL)
		s->readers--;
	pthread_mutex_unlock(&j->mutex);
}

static void
damage(struct journal *j, uint64_t number, uint64_t at, const char *what)
{
	atomic_fetch_add(&j->damaged, 1);
	log_error("%s: journal segment %016llx at %llu: %s", j->name,
	    (unsigned long long)number, (unsigned long long)at, what);
}

/* Read a segment's header; s->end becomes the file's size. */
static enum err
header_read(struct journal *j, struct segment *s)
{
	uint8_t bytes[JOURNAL_HEADER_BYTES];
	struct segment_header h;
	struct stat st;
	size_t got;
	enum err e;

	if ((e = segment_open(j, s)) != EC_OK)
		return e;
	if (fstat(s->fd, &st) != 0)
		return err_from_errno(errno);
	s->end = (uint64_t)st.st_size;
	if ((e = io_pread_full(s->fd, bytes, sizeof bytes, 0, &got)) != EC_OK)
		return e;
	if (got < sizeof bytes)
		return EC_ECORRUPT;
	if ((e = segment_header_get(&h, bytes)) != EC_OK)
		return e;
	if (h.number != s->h.number || !uuid_equal(&h.drive, &j->drive))
		return EC_ECORRUPT;
	s->h = h;
	return EC_OK;
}

/* The header of the last segment may be unwritten after a crash. */
static enum err
unborn(struct journal *j, struct segment *s)
{
	char name[NAME_BYTES];

	if (s->end > JOURNAL_HEADER_BYTES)
		return EC_ECORRUPT;
	segment_name(name, s->h.number);
	segment_close(j, s);
	if (unlinkat(j->dir_fd, name, 0) != 0)
		return err_from_errno(errno);
	j->count--;
	return EC_OK;
}

static enum err
headers(struct journal *j)
{
	enum err e = EC_OK;

	for (size_t i = 0; i < j->count; i++) {
		struct segment *s = &j->segments[i];

		e = header_read(j, s);
		if (e == EC_ECORRUPT && i == j->count - 1 &&
		    (e = unborn(j, s)) == EC_OK)
			break;
		if (e == EC_ECORRUPT) {
			s->damaged = true;
			damage(j, s->h.number, 0, "the header does not hold");
			e = EC_OK;
		}
		if (e != EC_OK)
			return e;
		/* What this one says of the one before, if that is there. */
		if (i == 0 || s->damaged || s[-1].h.number + 1 != s->h.number)
			continue;
		if (s[-1].end < s->h.prev_end)
			damage(j, s[-1].h.number, s[-1].end, "cut short");
		else
			s[-1].end = s->h.prev_end;
	}
	if (j->count > 0 && last(j)->damaged)
		j->broken = true;
	return e;
}

enum err
journal_open(struct journal **out, int dir_fd, const struct uuid *drive,
    uint64_t segment_bytes, const char *name)
{
	struct journal *j = calloc(1, sizeof *j);
	enum err e;

	if (j == NULL)
		return EC_ENOMEM;
	j->drive = *drive;
	j->segment_bytes = segment_bytes;
	j->name = name;
	j->next_seq = 1;
	pthread_mutex_init(&j->mutex, NULL);
	if ((j->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0)) < 0) {
		e = err_from_errno(errno);
		goto out;
	}
	if ((e = list(j)) != EC_OK || (e = headers(j)) != EC_OK)
		goto out;
	*out = j;
	j = NULL;
out:
	if (e != EC_OK)
		log_error("%s: journal: %s", name, err_text(e));
	journal_close(j);
	return e;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	for (size_t i = 0; i < j->count; i++)
		segment_close(j, &j->segments[i]);
	free(j->segments);
	if (j->dir_fd >= 0)
		close(j->dir_fd);
	pthread_mutex_destroy(&j->mutex);
	free(j);
}

/* Do all frames from here to the end belong to the batch that begins by
 * ${first}?  Then it was torn: nobody was told that it is durable. */
static enum err
torn_batch(const struct segment_reader *r, uint64_t batch, uint64_t first,
    bool *torn)
{
	struct segment_reader ahead;
	struct journal_frame f;
	enum err e = EC_OK;
	bool gap;

	segment_reader_init(&ahead, r->fd, r->salt, r->at, r->end, r->seq);
	while (batch <= first &&
	    (e = segment_next(&ahead, &f, &gap, &batch)) == EC_OK)
		;
	segment_reader_release(&ahead);
	*torn = e == EC_ENOTFOUND;
	return *torn || e == EC_OK ? EC_OK : e;
}

/* Visit a pinned segment's frames behind ${at}, which moves along. */
static enum err
walk_frames(struct journal *j, const struct segment *s, bool is_last,
    struct journal_pos *at, journal_visit *visit, void *ctx)
{
	struct segment_reader r;
	struct journal_frame f = { .segment = s->h.number };
	uint64_t batch;
	bool gap, torn = false;
	enum err e;

	segment_reader_init(&r, s->fd, s->h.salt, at->offset, s->end, at->seq);
	while ((e = segment_next(&r, &f, &gap, &batch)) == EC_OK) {
		if (gap && is_last)
			e = torn_batch(&r, batch, at->seq + 1, &torn);
		if (torn || e != EC_OK)
			break;
		if (gap)
			damage(j, s->h.number, at->offset,
			    "frames do not hold");
		at->offset = r.at;
		at->seq = f.seq;
		if ((e = visit(ctx, &f)) != EC_OK)
			break;
	}
	if (e == EC_ENOTFOUND) {
		if (!is_last && at->offset < s->end)
			damage(j, s->h.number, at->offset,
			    "frames do not hold");
		e = EC_OK;
	}
	segment_reader_release(&r);
	return e;
}

static enum err
walk(struct journal *j, bool is_last, struct journal_pos *at,
    journal_visit *visit, void *ctx)
{
	uint64_t number = at->segment;
	struct segment s;
	enum err e;

	if ((e = pin(j, number, &s)) != EC_OK)
		return e;
	e = walk_frames(j, &s, is_last, at, visit, ctx);
	unpin(j, number);
	return e;
}

static enum err
cut(struct journal *j, struct segment *s, uint64_t end)
{
	if (s->end > end) {
		log_warn("%s: journal segment %016llx: cut %llu bytes of a "
		    "torn batch", j->name, (unsigned long long)s->h.number,
		    (unsigned long long)(s->end - end));
		if (ftruncate(s->fd, (off_t)end) != 0)
			return err_from_errno(errno);
	}
	s->end = end;
	return EC_OK;
}

/* Is ${p} behind a frame, or at a segment's begin? */
static enum err
check_place(struct journal *j, const struct journal_pos *p)
{
	struct segment *s = find(j, p->segment);

	if (s == NULL || s->damaged || p->offset > s->end ||
	    p->offset < JOURNAL_HEADER_BYTES || p->offset % 8 != 0)
		return EC_ESTALE;
	return p->seq + 1 < s->h.first_seq ? EC_ESTALE : EC_OK;
}

enum err
journal_replay(struct journal *j, const struct journal_pos *from,
    journal_visit *visit, void *ctx)
{
	struct journal_pos at = { 0, 0, 0 };
	size_t i = 0;
	enum err e;

	if (from != NULL) {
		if ((e = check_place(j, from)) != EC_OK)
			return e;
		i = (size_t)(find(j, from->segment) - j->segments);
		at = *from;
	}
	for (; i < j->count; i++) {
		struct segment *s = &j->segments[i];
		bool is_last = i == j->count - 1;

		if (s->damaged)
			continue;
		if (from == NULL || s->h.number != from->segment) {
			at.offset = JOURNAL_HEADER_BYTES;
			if (at.seq + 1 < s->h.first_seq)
				at.seq = s->h.first_seq - 1;
		}
		at.segment = s->h.number;
		if ((e = walk(j, is_last, &at, visit, ctx)) != EC_OK ||
		    (is_last && (e = cut(j, s, at.offset)) != EC_OK))
			return e;
	}
	if (j->count > 0 && last(j)->damaged)
		at.seq += SEQ_SKIP;
	if (j->next_seq < at.seq + 1)
		j->next_seq = at.seq + 1;
	return EC_OK;
}

enum err
journal_walk(struct journal *j, uint64_t segment, journal_visit *visit,
    void *ctx)
{
	struct journal_pos at = { segment, JOURNAL_HEADER_BYTES, 0 };

	return walk(j, false, &at, visit, ctx);
}

/* A new last segment, its name and header durable. */
static enum err
roll(struct journal *j)
{
	const struct segment *old = last(j);
	struct segment s = { .fd = -1, .end = JOURNAL_HEADER_BYTES };
	uint8_t bytes[JOURNAL_HEADER_BYTES];
	char name[NAME_BYTES];
	enum err e;

	s.h.drive = j->drive;
	s.h.number = old != NULL ? old->h.number + 1 : 1;
	s.h.first_seq = j->next_seq;
	s.h.prev_end = old != NULL ? old->end : 0;
	os_random(&s.h.salt, sizeof s.h.salt);
	segment_header_put(bytes, &s.h);
	segment_name(name, s.h.number);
	if ((s.fd = os_open_beneath(j->dir_fd, name,
	    O_RDWR | O_CREAT | O_EXCL, 0600)) < 0)
		return err_from_errno(errno);
	if ((e = io_pwrite_full(s.fd, bytes, sizeof bytes, 0)) != EC_OK)
		goto out;
	if (fdatasync(s.fd) != 0 || fsync(j->dir_fd) != 0) {
		e = err_from_errno(errno);
		goto out;
	}
	pthread_mutex_lock(&j->mutex);
	if ((e = reserve(j)) == EC_OK) {
		j->segments[j->count++] = s;
		j->open_count++;
		j->broken = false;
		s.fd = -1;
	}
	pthread_mutex_unlock(&j->mutex);
out:
	if (s.fd >= 0) {
		close(s.fd);
		unlinkat(j->dir_fd, name, 0);
	}
	return e;
}

enum err
journal_roll(struct journal *j)
{
	enum err e = roll(j);

	if (e != EC_OK)
		log_error("%s: journal: no new segment: %s", j->name,
		    err_text(e));
	return e;
}

bool
journal_broken(const struct journal *j)
{
	return j->broken;
}

enum err
journal_plan(struct journal *j, uint64_t bytes, unsigned n,
    struct journal_pos *at)
{
	const struct segment *s = last(j);
	enum err e;

	if (n > JOURNAL_BATCH_MAX || bytes > JOURNAL_BATCH_BYTES)
		return EC_ELIMIT;
	if (s == NULL || j->broken || (s->end > JOURNAL_HEADER_BYTES &&
	    s->end + bytes > j->segment_bytes)) {
		if ((e = journal_roll(j)) != EC_OK)
			return e;
		s = last(j);
	}
	if (s == NULL)
		return EC_EIO;
	*at = (struct journal_pos){ s->h.number, s->end, j->next_seq };
	return EC_OK;
}

void
journal_place(struct journal_pos *at, struct journal_frame *f)
{
	f->segment = at->segment;
	f->offset = at->offset;
	f->seq = at->seq++;
	if (f->origin == 0)
		f->origin = f->seq;
	at->offset += journal_frame_bytes(f->len);
}

/* A batch that could not be written or flushed. */
static void
failed(struct journal *j, const struct segment *s, bool in_flush, enum err e)
{
	log_error("%s: journal segment %016llx: cannot %s: %s", j->name,
	    (unsigned long long)s->h.number, in_flush ? "flush" : "write",
	    err_text(e));
	/* Cut it off now; a successor's header says so in any case. */
	if (ftruncate(s->fd, (off_t)s->end) != 0 || in_flush)
		j->broken = true;
}

enum err
journal_write(struct journal *j, const struct journal_frame *f, unsigned n,
    bool flush)
{
	static uint8_t zero[8];	/* iovec knows no const */
	struct segment *s = last(j);
	uint8_t (*heads)[JOURNAL_FRAME_BYTES] = NULL;
	struct iovec *iov = NULL;
	uint64_t end = 0;
	int parts = 0;
	enum err e = EC_ENOMEM;

	if (n == 0 || s == NULL)
		return EC_OK;
	j->next_seq = f[n - 1].seq + 1;	/* whatever becomes of it */
	if ((heads = mem_array(n, sizeof *heads)) == NULL ||
	    (iov = mem_array(n, 3 * sizeof *iov)) == NULL)
		goto out;
	for (unsigned i = 0; i < n; i++) {
		size_t pad = journal_frame_bytes(f[i].len) -
		    JOURNAL_FRAME_BYTES - f[i].len;

		segment_frame_put(heads[i], &f[i], i, s->h.salt);
		iov[parts++] = (struct iovec){ heads[i], JOURNAL_FRAME_BYTES };
		iov[parts].iov_len = f[i].len;
		memcpy(&iov[parts++].iov_base, &f[i].payload, sizeof(void *));
		if (pad > 0) {
			iov[parts++] = (struct iovec){ zero, pad };
		}
		end = f[i].offset + journal_frame_bytes(f[i].len);
	}
	if ((e = io_pwritev_full(s->fd, iov, parts, s->end)) != EC_OK) {
		failed(j, s, false, e);
		goto out;
	}
	if (flush) {
		atomic_fetch_add(&j->flushes, 1);
		if (fdatasync(s->fd) != 0) {
			e = err_from_errno(errno);
			failed(j, s, true, e);
			goto out;
		}
	}
	pthread_mutex_lock(&j->mutex);
	s->end = end;
	pthread_mutex_unlock(&j->mutex);
out:
	free(iov);
	free(heads);
	return e;
}

struct journal_pos
journal_end(const struct journal *j)
{
	const struct segment *s = last(j);

	if (s == NULL)
		return (struct journal_pos){ 0, 0, j->next_seq - 1 };
	return (struct journal_pos){ s->h.number, s->end, j->next_seq - 1 };
}

enum err
journal_read(struct journal *j, uint64_t segment, uint64_t offset,
    uint32_t len, struct buf *buf, const uint8_t **payload)
{
	struct journal_frame f;
	struct segment s;
	size_t total = (size_t)JOURNAL_FRAME_BYTES + len, got = 0;
	uint8_t *p;
	enum err e;

	buf->len = 0;
	if ((e = pin(j, segment, &s)) != EC_OK)
		return e;
	if ((e = buf_reserve(buf, total, &p)) == EC_OK)
		e = io_pread_full(s.fd, p, total, offset, &got);
	unpin(j, segment);
	if (e != EC_OK)
		return e;
	if (got < total || segment_frame_get(&f, NULL, p, total, s.h.salt) !=
	    EC_OK || f.len != len) {
		damage(j, segment, offset, "a frame does not hold");
		return EC_ECORRUPT;
	}
	buf->len = total;
	*payload = f.payload;
	return EC_OK;
}

bool
journal_segment(struct journal *j, size_t i, uint64_t *number,
    uint64_t *bytes)
{
	bool there;

	pthread_mutex_lock(&j->mutex);
	if ((there = i < j->count)) {
		*number = j->segments[i].h.number;
		*bytes = j->segments[i].end;
	}
	pthread_mutex_unlock(&j->mutex);
	return there;
}

bool
journal_has(struct journal *j, uint64_t segment)
{
	return find(j, segment) != NULL;
}

/* The header of the segment that goes says where the one before ends. */
static enum err
cut_before(struct journal *j, struct segment *s)
{
	struct segment *before = s > j->segments ? s - 1 : NULL;
	struct stat st;
	enum err e;

	if (before == NULL || before->damaged)
		return EC_OK;
	if ((e = segment_open(j, before)) != EC_OK)
		return e;
	if (fstat(before->fd, &st) != 0)
		return err_from_errno(errno);
	if ((uint64_t)st.st_size <= before->end)
		return EC_OK;
	if (ftruncate(before->fd, (off_t)before->end) != 0 ||
	    fsync(before->fd) != 0)
		return err_from_errno(errno);
	return EC_OK;
}

enum err
journal_remove(struct journal *j, uint64_t segment)
{
	char name[NAME_BYTES];
	struct segment *s;
	enum err e = EC_OK;

	pthread_mutex_lock(&j->mutex);
	s = find(j, segment);
	if (s == NULL || s == last(j) || s->readers > 0) {
		e = s != NULL && s->readers > 0 ? EC_EBUSY : EC_EINVAL;
		goto out;
	}
	if ((e = cut_before(j, s)) != EC_OK)
		goto out;
	segment_name(name, segment);
	if (unlinkat(j->dir_fd, name, 0) != 0) {
		e = err_from_errno(errno);
		goto out;
	}
	segment_close(j, s);
	memmove(s, s + 1, (size_t)(last(j) - s) * sizeof *s);
	j->count--;
out:
	pthread_mutex_unlock(&j->mutex);
	return e;
}

enum err
journal_check(struct journal *j)
{
	const struct segment *s = last(j);
	struct stat st;

	if (s == NULL)
		return fstat(j->dir_fd, &st) == 0 && st.st_nlink > 0 ?
		    EC_OK : EC_EOFFLINE;
	if (fstat(s->fd, &st) != 0)
		return err_from_errno(errno);
	return st.st_nlink > 0 ? EC_OK : EC_EOFFLINE;
}

uint64_t
journal_damaged(const struct journal *j)
{
	return atomic_load(&j->damaged);
}

uint64_t
journal_flushes(const struct journal *j)
{
	return atomic_load(&j->flushes);
}
