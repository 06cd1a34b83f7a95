/* bundle: archives from somebody who means harm.  What is believed has a valid
 * key below the prefix, leads nowhere else, keeps to the limits, and is the
 * same again however the bytes come in pieces.  Tar only, as the server does:
 * for the name of a member of cpio libarchive takes what its head asks for. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/num.h"
#include "set/set.h"
#include "store/bundle_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MEMBERS_MAX = 100, FILE_MAX = 64 * 1024, ALL_MAX = 256 * 1024 };

struct source {
	const uint8_t *data;
	size_t len, piece;
};

static void
must(bool good)
{
	if (!good)
		abort();
}

static enum err
read_some(void *ctx, void *buf, size_t max, size_t *got)
{
	struct source *s = ctx;

	*got = (size_t)num_min(num_min(max, s->piece), s->len);
	if (*got > 0)
		memcpy(buf, s->data, *got);
	s->data += *got;
	s->len -= *got;
	return EC_OK;
}

static void
check_key(const char *key)
{
	must(strncmp(key, "p/", 2) == 0 && object_key_valid(key) == EC_OK);
	for (const char *p = key; p != NULL; p = strchr(p, '/')) {
		p += *p == '/';
		must(strncmp(p, "..", 2) != 0 || (p[2] != '/' &&
		    p[2] != '\0'));
	}
}

/* The sum of all that was given. */
static uint32_t
walk(const uint8_t *data, size_t len, size_t piece)
{
	struct source s = { data, len, piece };
	const struct bundle_reader_params p = { .from = { &s, read_some },
		.prefix = "p/", .tar_only = true, .dirs = true,
		.members_max = MEMBERS_MAX, .file_bytes_max = FILE_MAX,
		.bytes_max = ALL_MAX };
	struct bundle_reader *r;
	struct bundle_file f = { NULL, 0 };
	uint8_t buf[1000];
	uint32_t sum = 0;
	uint64_t members = 0, all = 0, file;
	size_t got;
	enum err e = bundle_reader_new(&r, &p);

	while (e == EC_OK || e == EC_EINVAL) {
		e = bundle_reader_next(r, &f);
		if (e == EC_EINVAL)
			continue;
		if (e != EC_OK || f.key == NULL)
			break;
		check_key(f.key);
		sum = checksum_crc32c(sum, f.key, strlen(f.key));
		must(++members <= MEMBERS_MAX);
		file = 0;
		got = f.size > 0;
		for (; e == EC_OK && got > 0; file += got)
			if ((e = bundle_reader_data(r, buf, sizeof(buf),
			    &got)) == EC_OK)
				sum = checksum_crc32c(sum, buf, got);
		all += file;
		must(file <= FILE_MAX + sizeof(buf));
		must(all <= ALL_MAX + sizeof(buf));
		must(e != EC_OK || f.size == UINT64_MAX || f.size >= file);
	}
	must(e == EC_OK || bundle_reader_why(r)[0] != '\0');
	bundle_reader_free(r);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	must(walk(data, len, SIZE_MAX) == walk(data, len, 7));
	return 0;
}
