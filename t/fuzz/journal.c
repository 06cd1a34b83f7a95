/* journal: a segment from somebody who means harm.
 *
 * The input tells how to lay a segment out: frames that hold and are to be
 * found, and bytes between them that are not.  The first byte of each step
 * chooses; the rest of the input is garbage as it is.  All of the frames that
 * hold are found in order, unless a later seq came before; nothing else is. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "drive/segment.h"

enum { SALT_LOW = 0x5eed5a17, FRAMES_MAX = 64 };
#define SALT (0xabcdef0100000000ull | SALT_LOW)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct written {
	uint64_t offset, seq;
	uint32_t len;
};

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
put(struct buf *b, const void *p, size_t len)
{
	must(buf_add(b, p, len) == EC_OK);
}

/* A frame with the next bytes of the input as payload. */
static size_t
put_frame(struct buf *b, const uint8_t *data, size_t len, uint64_t seq,
    struct written *w)
{
	static const uint8_t zero[8];
	uint8_t head[JOURNAL_FRAME_BYTES];
	struct journal_frame f = { .type = JOURNAL_RECORD, .payload = data,
		.len = (uint32_t)len, .seq = seq, .origin = seq };

	*w = (struct written){ b->len, seq, f.len };
	segment_frame_put(head, &f, 0, SALT);
	put(b, head, sizeof head);
	put(b, data, len);
	put(b, zero, journal_frame_bytes(f.len) - sizeof head - len);
	return len;
}

/* Does garbage hold by chance?  Then the input has found the salt; it is in
 * this file, so it may. */
static bool
has_salt(const uint8_t *data, size_t len)
{
	static const uint8_t mark[4] = { SALT_LOW & 0xff,
		SALT_LOW >> 8 & 0xff, SALT_LOW >> 16 & 0xff,
		SALT_LOW >> 24 & 0xff };

	return len >= 4 && memmem(data, len, mark, 4) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf b = BUF_INIT(1u << 24);
	struct written w[FRAMES_MAX];
	struct segment_reader r;
	struct segment_header h;
	struct journal_frame f;
	uint8_t head[JOURNAL_HEADER_BYTES] = { 0 };
	uint64_t seq = 0, batch;
	unsigned n = 0, found = 0;
	bool gap;
	int fd;
	enum err e;

	if (has_salt(data, len))
		return 0;
	memcpy(head, data, len < sizeof head ? len : sizeof head);
	(void)segment_header_get(&h, head);
	put(&b, head, sizeof head);
	while (len > 2 && n < FRAMES_MAX) {
		uint8_t step = data[0], size = data[1];

		data += 2;
		len -= 2;
		if (size > len)
			size = (uint8_t)len;
		if (step < 128) {
			seq += 1 + step;
			put_frame(&b, data, size, seq, &w[n++]);
		} else {
			put(&b, data, size & ~7u);	/* frames are aligned */
		}
		data += size;
		len -= size;
	}
	put(&b, data, len);
	fd = memfd_create("segment", MFD_CLOEXEC);
	must(fd >= 0 && io_write_full(fd, b.data, b.len) == EC_OK);
	segment_reader_init(&r, fd, SALT, sizeof head, b.len, 0);
	while ((e = segment_next(&r, &f, &gap, &batch)) == EC_OK) {
		must(found < n && f.offset == w[found].offset &&
		    f.seq == w[found].seq && f.len == w[found].len);
		must(memcmp(f.payload, b.data + f.offset +
		    JOURNAL_FRAME_BYTES, f.len) == 0);
		found++;
	}
	must(e == EC_ENOTFOUND && found == n);
	segment_reader_release(&r);
	close(fd);
	buf_release(&b);
	return 0;
}
