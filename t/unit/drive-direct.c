/* direct: whatever goes past the cache and what does not, the bytes are there
 * in order, and are the same for a file system that refuses. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/os_linux.h"
#include "drive/direct.h"

#include "../lib/tap.h"

enum { FILE_BYTES = 1024 * 1024, PAGE = 4096 };

static uint8_t *bytes;

/* Write all, ${step} at a time after the first ${head}, and read it back. */
static bool
round_trip(size_t head, size_t step, bool refused)
{
	char name[] = "/tmp/ec-direct.XXXXXX";
	uint8_t *back = malloc(FILE_BYTES);
	struct direct d = { mkostemp(name, O_CLOEXEC), false, refused };
	size_t got = 0, n = head;
	bool same = back != NULL && d.fd >= 0;

	for (size_t at = 0; same && at < FILE_BYTES; at += n, n = step) {
		if (n > FILE_BYTES - at)
			n = FILE_BYTES - at;
		same = direct_pwrite(&d, bytes + at, n, at) == EC_OK;
	}
	same = same && fdatasync(d.fd) == 0 &&
	    (!d.on || os_direct(d.fd, false) == EC_OK) &&
	    io_pread_full(d.fd, back, FILE_BYTES, 0, &got) == EC_OK &&
	    got == FILE_BYTES && memcmp(back, bytes, FILE_BYTES) == 0;
	unlink(name);
	close(d.fd);
	free(back);
	return same;
}

int
main(void)
{
	static const size_t step[] = { 128 * 1024, 128 * 1024 + 512, 100000,
		3 * 128 * 1024 - PAGE, PAGE, FILE_BYTES };
	struct direct gone = { .fd = -1 };
	int pipes[2];

	if ((bytes = mem_aligned(FILE_BYTES, PAGE)) == NULL ||
	    pipe2(pipes, O_CLOEXEC) != 0)
		return 1;
	os_random(bytes, FILE_BYTES);
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		size_t n = step[i];

		tap_ok(round_trip(PAGE, n, false), "%zu at whole pages", n);
		tap_ok(round_trip(64, n, false), "%zu elsewhere", n);
		tap_ok(round_trip(PAGE, n, true), "%zu, refused", n);
	}
	tap_ok(direct_pwrite(&gone, bytes, FILE_BYTES, 0) != EC_OK,
	    "no file is an error");
	gone = (struct direct){ .fd = pipes[1] };
	tap_ok(direct_pwrite(&gone, bytes, PAGE, 0) != EC_OK,
	    "and so is one that cannot be written to");
	close(pipes[0]);
	close(pipes[1]);
	free(bytes);
	return tap_done();
}
