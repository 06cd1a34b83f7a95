/* The journal: cut at every byte, damaged at every byte, failed writes and
 * flushes, segments, hostile data. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "drive/segment.h"

#include "../lib/tap.h"

static bool fail_flush;
static unsigned cuts_flushed;
static int dir_fd;

/* In place of the C library's: fails when told to, and takes no time. */
int fdatasync(int fd);
int
fdatasync(int fd)
{
	(void)fd;
	errno = EIO;
	return fail_flush ? -1 : 0;
}

/* That of a segment that was cut is asked for before the next goes. */
int fsync(int fd);
int
fsync(int fd)
{
	struct stat st;

	cuts_flushed += fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    fstatat(dir_fd, "0000000000000002.seg", &st, 0) == 0;
	return 0;
}

static struct uuid id = { { 1, 2, 3 } };
static char dir[] = "/tmp/ec-journal.XXXXXX";

enum { FRAMES_MAX = 64 };

/* What was visited: a letter for each frame, its payload's first byte. */
struct seen {
	char text[FRAMES_MAX + 1];
	size_t n;
	bool wrong;		/* a payload that was never written */
};

static enum err
see(void *ctx, const struct journal_frame *f)
{
	struct seen *s = ctx;

	for (uint32_t i = 1; i < f->len; i++)
		s->wrong |= f->payload[i] != f->payload[0];
	s->wrong |= f->len == 0 || f->len != 10u + f->payload[0] % 7;
	if (s->n < FRAMES_MAX && f->len > 0)
		s->text[s->n++] = (char)f->payload[0];
	s->text[s->n] = '\0';
	return EC_OK;
}

static struct journal *
open_journal(struct seen *s, const struct journal_pos *from)
{
	struct journal *j;

	*s = (struct seen){ .n = 0 };
	if (journal_open(&j, dir_fd, &id, JOURNAL_SEGMENT_MAX, "test") !=
	    EC_OK || journal_replay(j, from, see, s) != EC_OK)
		abort();
	return j;
}

/* A batch with a frame for each letter. */
static enum err
put(struct journal *j, const char *letters)
{
	struct journal_frame f[FRAMES_MAX] = { { .type = JOURNAL_RECORD } };
	uint8_t payload[FRAMES_MAX][17];
	struct journal_pos at;
	uint64_t bytes = 0;
	unsigned n = 0;
	enum err e;

	for (; letters[n] != '\0'; n++) {
		memset(payload[n], letters[n], sizeof payload[n]);
		f[n] = (struct journal_frame){ .type = JOURNAL_RECORD,
			.payload = payload[n],
			.len = 10u + (uint8_t)letters[n] % 7 };
		bytes += journal_frame_bytes(f[n].len);
	}
	if ((e = journal_plan(j, bytes, n, &at)) != EC_OK)
		return e;
	for (unsigned i = 0; i < n; i++)
		journal_place(&at, &f[i]);
	return journal_write(j, f, n, true);
}

static void
path_of(char out[128], unsigned segment)
{
	snprintf(out, 128, "%s/%016x.seg", dir, segment);
}

static void
clear(void)
{
	char cmd[64];

	snprintf(cmd, sizeof cmd, "rm -f %s/*", dir);
	if (system(cmd) != 0)
		abort();
}

static void
file_set(unsigned segment, const void *bytes, size_t len)
{
	char path[128];
	int fd;

	path_of(path, segment);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || io_write_full(fd, bytes, len) != EC_OK)
		abort();
	close(fd);
}

static char *
file_get(unsigned segment, size_t *len)
{
	char path[128], *bytes;

	path_of(path, segment);
	if (io_slurp(AT_FDCWD, path, 1u << 24, &bytes, len) != EC_OK)
		abort();
	return bytes;
}

static void
test_append(void)
{
	struct seen s;
	struct journal *j = open_journal(&s, NULL);
	struct journal_pos half;
	struct buf b = BUF_INIT(4096);
	const uint8_t *payload;

	tap_is_str(s.text, "", "a new journal is empty");
	tap_ok(put(j, "ab") == EC_OK && put(j, "c") == EC_OK, "two batches");
	tap_is_u64(journal_flushes(j), 2, "are two flushes");
	half = journal_end(j);
	put(j, "de");
	tap_ok(journal_read(j, 1, JOURNAL_HEADER_BYTES, 10 + 'a' % 7, &b,
	    &payload) == EC_OK && payload[0] == 'a', "a frame is read");
	tap_is_u64(journal_read(j, 1, JOURNAL_HEADER_BYTES + 8, 10, &b,
	    &payload), EC_ECORRUPT, "what is none is not");
	tap_is_u64(journal_read(j, 7, 128, 10, &b, &payload), EC_ENOTFOUND,
	    "nor one of no segment");
	buf_release(&b);
	journal_close(j);
	j = open_journal(&s, NULL);
	tap_is_str(s.text, "abcde", "all is there again");
	journal_close(j);
	j = open_journal(&s, &half);
	tap_is_str(s.text, "de", "or what is behind a place");
	half.offset += 8000;
	tap_is_u64(journal_replay(j, &half, see, &s), EC_ESTALE,
	    "a place behind the end is none");
	journal_close(j);
	clear();
}

/* Frames that begin and end before ${len}. */
static size_t
whole_frames(const char *letters, size_t len)
{
	size_t at = JOURNAL_HEADER_BYTES, n = 0;

	for (; letters[n] != '\0'; n++) {
		uint32_t bytes = 10u + (uint8_t)letters[n] % 7;

		if (at + JOURNAL_FRAME_BYTES + bytes > len)
			break;
		at += journal_frame_bytes(bytes);
	}
	return n;
}

static void
test_cuts(void)
{
	static const char letters[] = "abcdefgh";
	struct seen s;
	struct journal *j = open_journal(&s, NULL);
	size_t len, bad = 0, after = 0;
	char *whole, want[16];

	put(j, "a");
	put(j, "bcd");
	put(j, "efgh");
	journal_close(j);
	whole = file_get(1, &len);
	for (size_t n = 0; n < len; n++) {
		clear();
		file_set(1, whole, n);
		j = open_journal(&s, NULL);
		memcpy(want, letters, sizeof letters);
		want[whole_frames(letters, n)] = '\0';
		bad += s.wrong || strcmp(s.text, want) != 0 ||
		    journal_damaged(j) != 0;
		put(j, "z");
		journal_close(j);
		j = open_journal(&s, NULL);
		strcat(want, "z");
		after += strcmp(s.text, want) != 0 || journal_damaged(j) != 0;
		journal_close(j);
	}
	tap_is_u64(bad, 0, "cut at every byte: whole frames stand");
	tap_is_u64(after, 0, "and what is appended then");
	free(whole);
	clear();
}

static void
test_damage(void)
{
	struct seen s;
	struct journal *j = open_journal(&s, NULL);
	struct journal_pos end, now;
	size_t len, wrong = 0, silent = 0, lost = 0, first;
	char *bytes;

	put(j, "a");
	put(j, "bcd");
	put(j, "ef");
	end = journal_end(j);
	journal_close(j);
	bytes = file_get(1, &len);
	first = JOURNAL_HEADER_BYTES;
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 0x40;
		clear();
		file_set(1, bytes, len);
		j = open_journal(&s, NULL);
		now = journal_end(j);
		wrong += s.wrong;
		silent += s.n < 6 && journal_damaged(j) == 0 &&
		    now.offset >= end.offset;
		lost += s.n < (i < first ? 6 : i < first +
		    journal_frame_bytes(10 + 'a' % 7) ? 5 : 3);
		journal_close(j);
		bytes[i] ^= 0x40;
	}
	tap_is_u64(wrong, 0, "damaged at every byte: no frame is made up");
	tap_is_u64(silent, 0, "none is lost in silence");
	tap_is_u64(lost, 0, "and no other one is lost");
	free(bytes);
	clear();
}

static void
test_failed_write(void)
{
	struct rlimit old, low;
	struct seen s;
	enum err e;
	struct journal *j = open_journal(&s, NULL);

	signal(SIGXFSZ, SIG_IGN);
	put(j, "abc");
	getrlimit(RLIMIT_FSIZE, &old);
	low = old;
	low.rlim_cur = journal_end(j).offset + 100;
	setrlimit(RLIMIT_FSIZE, &low);
	e = put(j, "XYZ");
	setrlimit(RLIMIT_FSIZE, &old);	/* before a word to standard output */
	tap_ok(e != EC_OK, "a write that fails half-way");
	tap_is_u64(put(j, "d"), EC_OK, "does not hinder the next");
	journal_close(j);
	j = open_journal(&s, NULL);
	tap_is_str(s.text, "abcd", "and leaves nothing");
	tap_is_u64(journal_damaged(j), 0, "no damage either");
	journal_close(j);
	clear();
}

/* Put the frame of a failed batch back where it was, as a disk may that failed
 * to flush it but wrote it all the same. */
static void
bring_back(unsigned segment, char letter, uint64_t seq)
{
	struct journal_frame f = { .type = JOURNAL_RECORD, .seq = seq,
		.origin = seq, .len = 10u + (uint8_t)letter % 7 };
	uint8_t payload[17], head[JOURNAL_FRAME_BYTES];
	struct buf b = BUF_INIT(65536);
	struct segment_header h;
	size_t len;
	char *bytes = file_get(segment, &len);

	memset(payload, letter, sizeof payload);
	f.payload = payload;
	if (segment_header_get(&h, (uint8_t *)bytes) != EC_OK)
		abort();
	segment_frame_put(head, &f, 0, h.salt);
	buf_add(&b, bytes, len);
	buf_add(&b, head, sizeof head);
	buf_add(&b, payload, f.len);
	file_set(segment, b.data, b.len);
	buf_release(&b);
	free(bytes);
}

static void
test_failed_flush(void)
{
	struct seen s;
	struct journal *j = open_journal(&s, NULL);

	put(j, "ab");
	fail_flush = true;
	tap_is_u64(put(j, "X"), EC_EIO, "a flush that fails");
	tap_ok(journal_broken(j), "is final for its segment");
	tap_is_u64(put(j, "Z"), EC_EIO, "and while flushes fail for all");
	fail_flush = false;
	tap_is_u64(put(j, "c"), EC_OK, "then a new one takes over");
	journal_close(j);
	bring_back(1, 'X', 3);
	j = open_journal(&s, NULL);
	tap_is_str(s.text, "abc", "the failed batch never comes to life");
	tap_is_u64(journal_damaged(j), 0, "and is no damage");
	journal_roll(j);
	put(j, "d");
	cuts_flushed = 0;
	tap_is_u64(journal_remove(j, 2), EC_OK, "the new one is removed");
	tap_is_u64(cuts_flushed, 1, "when the one before is cut for good");
	journal_close(j);
	j = open_journal(&s, NULL);
	tap_is_str(s.text, "abd", "the failed batch stays dead");
	tap_is_u64(journal_damaged(j), 0, "nothing is damaged");
	journal_close(j);
	clear();
}

static void
test_segments(void)
{
	struct seen s;
	struct journal *j = open_journal(&s, NULL);
	uint64_t number = 0, bytes = 0;
	size_t len;
	char *header;

	put(j, "ab");
	journal_roll(j);
	put(j, "cd");
	journal_roll(j);
	put(j, "ef");
	tap_ok(journal_segment(j, 2, &number, &bytes) && number == 3 &&
	    !journal_segment(j, 3, &number, &bytes), "three segments");
	tap_is_u64(journal_remove(j, 3), EC_EINVAL, "the last one stays");
	tap_is_u64(journal_remove(j, 2), EC_OK, "another one goes");
	journal_close(j);
	j = open_journal(&s, NULL);
	tap_is_str(s.text, "abef", "with its frames");
	put(j, "g");
	journal_close(j);
	header = file_get(3, &len);
	memset(header, 0xee, JOURNAL_HEADER_BYTES / 2);
	file_set(3, header, len);
	j = open_journal(&s, NULL);
	tap_is_str(s.text, "abefg", "a header has a second copy");
	journal_close(j);
	memset(header, 0xee, JOURNAL_HEADER_BYTES);
	file_set(3, header, len);
	j = open_journal(&s, NULL);
	tap_ok(strcmp(s.text, "ab") == 0 && journal_damaged(j) == 1,
	    "without it a segment is damage");
	put(j, "h");
	journal_close(j);
	j = open_journal(&s, NULL);
	tap_is_str(s.text, "abh", "and is not written again");
	journal_close(j);
	free(header);
	clear();
}

/* A frame within a payload, as a user could store it. */
static void
test_hostile(void)
{
	struct seen s;
	struct journal *j = open_journal(&s, NULL);
	struct journal_frame inner = { .type = JOURNAL_RECORD, .seq = 100,
		.origin = 100 }, outer = { .type = JOURNAL_RECORD };
	uint8_t small[17], large[400];
	struct segment_header h;
	struct journal_pos at;
	size_t len;
	char *bytes;

	memset(small, 'E', sizeof small);
	inner.payload = small;
	inner.len = 10 + 'E' % 7;
	memset(large, 0, sizeof large);
	for (size_t i = 0; i + 80 < sizeof large; i += 80) {
		segment_frame_put(large + i, &inner, 0, 0);
		memcpy(large + i + JOURNAL_FRAME_BYTES, small, inner.len);
	}
	put(j, "a");
	outer.payload = large;
	outer.len = sizeof large;
	journal_plan(j, journal_frame_bytes(outer.len), 1, &at);
	journal_place(&at, &outer);
	journal_write(j, &outer, 1, true);
	put(j, "b");
	journal_close(j);
	bytes = file_get(1, &len);
	bytes[JOURNAL_HEADER_BYTES + journal_frame_bytes(10 + 'a' % 7) + 4] ^=
	    1;	/* the outer frame no longer holds */
	file_set(1, bytes, len);
	j = open_journal(&s, NULL);
	tap_ok(strcmp(s.text, "ab") == 0 && journal_damaged(j) == 1,
	    "data that looks like a frame is none");
	if (segment_header_get(&h, (uint8_t *)bytes) != EC_OK)
		abort();
	tap_ok(h.salt != 0, "because of the segment's salt");
	journal_close(j);
	free(bytes);
	clear();
}

int
main(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	if (freopen("/dev/null", "w", stderr) == NULL ||
	    mkdtemp(dir) == NULL)
		abort();
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_append();
	test_cuts();
	test_damage();
	test_failed_write();
	test_failed_flush();
	test_segments();
	test_hostile();
	close(dir_fd);
	rmdir(dir);
	return tap_done();
}
