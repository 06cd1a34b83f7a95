/* journal_segments: the folder of segments: opening, finding, removing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#include "drive/journal_impl.h"

enum { OPEN_MAX = 128 };	/* descriptors kept */

void
journal_segment_name(char out[JOURNAL_NAME_BYTES], uint64_t number)
{
	snprintf(out, JOURNAL_NAME_BYTES, "%016llx.seg",
	    (unsigned long long)number);
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

struct segment *
journal_find(struct journal *j, uint64_t number)
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

struct segment *
journal_last(const struct journal *j)
{
	return j->count > 0 ? &j->segments[j->count - 1] : NULL;
}

enum err
journal_reserve(struct journal *j)
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
		if ((e = journal_reserve(j)) != EC_OK)
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

enum err
journal_segment_open(struct journal *j, struct segment *s)
{
	char name[JOURNAL_NAME_BYTES];

	if (s->fd >= 0)
		return EC_OK;
	for (size_t i = 0; j->open_count >= OPEN_MAX && i < j->count - 1; i++)
		if (j->segments[i].fd >= 0 && j->segments[i].readers == 0) {
			close(j->segments[i].fd);
			j->segments[i].fd = -1;
			j->open_count--;
		}
	journal_segment_name(name, s->h.number);
	if ((s->fd = os_open_beneath(j->dir_fd, name, O_RDWR, 0)) < 0)
		return err_from_errno(errno);
	j->open_count++;
	return EC_OK;
}

void
journal_segment_close(struct journal *j, struct segment *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	j->open_count--;
}

enum err
journal_pin(struct journal *j, uint64_t number, struct segment *copy)
{
	struct segment *s;
	enum err e = EC_ENOTFOUND;

	pthread_mutex_lock(&j->mutex);
	if ((s = journal_find(j, number)) != NULL &&
	    (e = s->damaged ? EC_ECORRUPT :
	    journal_segment_open(j, s)) == EC_OK) {
		s->readers++;
		*copy = *s;
	}
	pthread_mutex_unlock(&j->mutex);
	return e;
}

void
journal_unpin(struct journal *j, uint64_t number)
{
	struct segment *s;

	pthread_mutex_lock(&j->mutex);
	if ((s = journal_find(j, number)) != NULL)
		s->readers--;
	pthread_mutex_unlock(&j->mutex);
}

void
journal_damage(struct journal *j, uint64_t number, uint64_t at,
    const char *what)
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

	if ((e = journal_segment_open(j, s)) != EC_OK)
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
	char name[JOURNAL_NAME_BYTES];

	if (s->end > JOURNAL_HEADER_BYTES)
		return EC_ECORRUPT;
	journal_segment_name(name, s->h.number);
	journal_segment_close(j, s);
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
			journal_damage(j, s->h.number, 0,
			    "the header does not hold");
			e = EC_OK;
		}
		if (e != EC_OK)
			return e;
		/* What this one says of the one before, if that is there. */
		if (i == 0 || s->damaged || s[-1].h.number + 1 != s->h.number)
			continue;
		if (s[-1].end < s->h.prev_end)
			journal_damage(j, s[-1].h.number, s[-1].end,
			    "cut short");
		else
			s[-1].end = s->h.prev_end;
	}
	if (j->count > 0 && journal_last(j)->damaged)
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
	j->unflushed = true;	/* who wrote it may have been killed */
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
		journal_segment_close(j, &j->segments[i]);
	free(j->segments);
	if (j->dir_fd >= 0)
		close(j->dir_fd);
	pthread_mutex_destroy(&j->mutex);
	free(j);
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
	bool has;

	pthread_mutex_lock(&j->mutex);
	has = journal_find(j, segment) != NULL;
	pthread_mutex_unlock(&j->mutex);
	return has;
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
	if ((e = journal_segment_open(j, before)) != EC_OK)
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
	char name[JOURNAL_NAME_BYTES];
	struct segment *s;
	enum err e = EC_OK;

	pthread_mutex_lock(&j->mutex);
	s = journal_find(j, segment);
	if (s == NULL || s == journal_last(j) || s->readers > 0) {
		e = s != NULL && s->readers > 0 ? EC_EBUSY : EC_EINVAL;
		goto out;
	}
	if ((e = cut_before(j, s)) != EC_OK)
		goto out;
	journal_segment_name(name, segment);
	if (unlinkat(j->dir_fd, name, 0) != 0) {
		e = err_from_errno(errno);
		goto out;
	}
	journal_segment_close(j, s);
	memmove(s, s + 1, (size_t)(journal_last(j) - s) * sizeof *s);
	j->count--;
out:
	pthread_mutex_unlock(&j->mutex);
	return e;
}
