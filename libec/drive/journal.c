/* journal: writing at the end, reading anywhere.  journal_impl.h has the
 * invariants. */
#include "drive/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/os_linux.h"
#include "drive/journal_impl.h"

enum { AHEAD_BYTES = 128 * 1024 };

/* What was appended to the last segment without a flush: the next one's header
 * says that it is there. */
static enum err
flush_last(struct journal *j)
{
	struct segment *s = journal_last(j);
	enum err e;

	if (s == NULL || s->damaged || !j->unflushed)
		return EC_OK;
	j->unflushed = false;	/* a failed flush is not tried again */
	pthread_mutex_lock(&j->mutex);
	e = journal_segment_open(j, s);
	pthread_mutex_unlock(&j->mutex);
	if (e != EC_OK)
		return e;
	atomic_fetch_add(&j->flushes, 1);
	return fdatasync(s->fd) == 0 ? EC_OK : err_from_errno(errno);
}

/* A new last segment, its name and header durable. */
static enum err
roll(struct journal *j)
{
	const struct segment *old = journal_last(j);
	struct segment s = { .fd = -1, .end = JOURNAL_HEADER_BYTES };
	uint8_t bytes[JOURNAL_HEADER_BYTES];
	char name[JOURNAL_NAME_BYTES];
	enum err e;

	s.h.drive = j->drive;
	s.h.number = old != NULL ? old->h.number + 1 : 1;
	s.h.first_seq = j->next_seq;
	s.h.prev_end = old != NULL ? old->end : 0;
	os_random(&s.h.salt, sizeof s.h.salt);
	segment_header_put(bytes, &s.h);
	journal_segment_name(name, s.h.number);
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
	if ((e = journal_reserve(j)) == EC_OK) {
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
	enum err e = flush_last(j);

	if (e == EC_OK)
		e = roll(j);
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
	const struct segment *s = journal_last(j);
	enum err e;

	if (n > JOURNAL_BATCH_MAX || bytes > JOURNAL_BATCH_BYTES)
		return EC_ELIMIT;
	if (s == NULL || j->broken || (s->end > JOURNAL_HEADER_BYTES &&
	    s->end + bytes > j->segment_bytes)) {
		if ((e = journal_roll(j)) != EC_OK)
			return e;
		s = journal_last(j);
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
	struct segment *s = journal_last(j);
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
	j->unflushed = !flush;
out:
	free(iov);
	free(heads);
	return e;
}

struct journal_pos
journal_end(const struct journal *j)
{
	const struct segment *s = journal_last(j);

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
	if ((e = journal_pin(j, segment, &s)) != EC_OK)
		return e;
	if ((e = buf_reserve(buf, total, &p)) == EC_OK)
		e = io_pread_full(s.fd, p, total, offset, &got);
	journal_unpin(j, segment);
	if (e != EC_OK)
		return e;
	if (got < total || segment_frame_get(&f, NULL, p, total, s.h.salt) !=
	    EC_OK || f.len != len) {
		journal_damage(j, segment, offset, "a frame does not hold");
		return EC_ECORRUPT;
	}
	buf->len = total;
	*payload = f.payload;
	return EC_OK;
}

void
journal_ahead_reset(struct journal_ahead *a)
{
	a->bytes.len = 0;
	a->segment = a->base = a->next = 0;
}

/* A frame of ${total} bytes, and what lies behind it if the one before was
 * asked for, too. */
static enum err
ahead_fill(struct journal *j, struct journal_ahead *a, uint64_t segment,
    uint64_t offset, size_t total)
{
	bool follows = segment == a->segment && offset >= a->next &&
	    offset - a->next < AHEAD_BYTES;
	struct segment s;
	size_t want = total, got = 0;
	uint8_t *p;
	enum err e;

	a->bytes.len = 0;
	if ((e = journal_pin(j, segment, &s)) != EC_OK)
		return e;
	if (follows && total < AHEAD_BYTES && offset < s.end)
		want = (size_t)num_min(AHEAD_BYTES, s.end - offset);
	if (want < total)
		want = total;
	if ((e = buf_reserve(&a->bytes, want, &p)) == EC_OK)
		e = io_pread_full(s.fd, p, want, offset, &got);
	if (e != EC_OK && want > total)	/* it may be of those behind */
		e = io_pread_full(s.fd, p, total, offset, &got);
	journal_unpin(j, segment);
	a->segment = segment;
	a->base = offset;
	a->salt = s.h.salt;
	if (e == EC_OK)
		a->bytes.len = got;
	return e;
}

enum err
journal_read_ahead(struct journal *j, struct journal_ahead *a,
    uint64_t segment, uint64_t offset, uint32_t len, uint8_t **payload)
{
	size_t total = (size_t)JOURNAL_FRAME_BYTES + len;
	struct journal_frame f;
	uint8_t *p;
	enum err e;

	if ((segment != a->segment || offset < a->base ||
	    offset + total > a->base + a->bytes.len) &&
	    (e = ahead_fill(j, a, segment, offset, total)) != EC_OK)
		return e;
	a->next = offset + total;
	p = a->bytes.data + (offset - a->base);
	if (offset + total > a->base + a->bytes.len ||
	    segment_frame_get(&f, NULL, p, total, a->salt) != EC_OK ||
	    f.len != len) {
		journal_damage(j, segment, offset, "a frame does not hold");
		return EC_ECORRUPT;
	}
	*payload = p + (f.payload - p);
	return EC_OK;
}

enum err
journal_check(struct journal *j)
{
	const struct segment *s = journal_last(j);
	struct stat st;

	if (s == NULL)
		return fstat(j->dir_fd, &st) == 0 && st.st_nlink > 0 ?
		    EC_OK : EC_EOFFLINE;
	if (fstat(s->fd, &st) != 0)
		return err_from_errno(errno);
	return st.st_nlink > 0 ? EC_OK : EC_EOFFLINE;
}

uint64_t
journal_written_us(const struct journal *j)
{
	const struct segment *s = journal_last(j);
	struct stat st;

	if (s == NULL || fstat(s->fd, &st) != 0 || st.st_mtim.tv_sec < 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * 1000000 +
	    (uint64_t)st.st_mtim.tv_nsec / 1000;
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
