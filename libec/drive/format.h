/* format: DRIVE/.ec/format.json, who a drive is.
 *
 * Identity is the drive's id, never its path or host name.  When a slot is
 * given a new drive the set's drives get a record with a greater generation;
 * the greatest generation that most of them share is the truth. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/uuid.h"

enum { FORMAT_VERSION = 1, FORMAT_SET_MAX = 16, FORMAT_TEXT_MAX = 16384 };

struct format {
	struct uuid deployment;
	struct uuid drive;		/* this one */
	unsigned pool, set, slot;	/* from 0 */
	unsigned set_count;		/* sets in the pool */
	unsigned drive_count;		/* drives in the set, 1 .. 16 */
	struct uuid drives[FORMAT_SET_MAX];	/* ids by slot */
	/* When the slot's drive was formatted in the place of another, real
	 * time; 0: it is there from the beginning.  What is older than that may
	 * have been on its predecessor. */
	uint64_t born_us[FORMAT_SET_MAX];
	uint64_t generation;
	/* It took the place of another and lacks what that had: no heal of the
	 * whole set has been done since. */
	bool filling;
};

/* Read and check the record below an open drive directory.
 * Errors: EC_ENOTFOUND (no record: not formatted), EC_EFORMAT (not one, or of
 * a later version; logged), by errno. */
enum err format_read(struct format *out, int drive_fd);

/* Write it, creating .ec if need be; survives power loss on return. */
enum err format_write(int drive_fd, const struct format *f);

/* Text form and back, for tests, peers and people. */
enum err format_encode(char *out, size_t len, const struct format *f);
enum err format_decode(struct format *out, const char *text, size_t len);

#endif
