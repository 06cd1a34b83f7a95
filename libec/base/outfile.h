/* outfile: an output file of a tool, which appears whole or not at all.
 *
 * Written under a temporary name, ".NAME.ec.tmp.1f2e3d4c", beside the final
 * one.  No link is followed at either name.  One thread makes and ends them. */
#ifndef OUTFILE_H
#define OUTFILE_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"

struct outfile {
	const char *path;	/* as given; the caller keeps it */
	int dirfd;
	int fd;			/* to write to */
	bool replace;
	bool named;		/* the temporary name is there */
	bool placed;		/* the final name is there, and is ours */
	char name[NAME_MAX + 1], temp[NAME_MAX + 1];
};

#define OUTFILE_INIT { .dirfd = -1, .fd = -1 }

/* Begin ${path}.  With ${replace} a regular file of that name is replaced in
 * the end, otherwise it is an error.
 * Errors: EC_EEXIST, EC_EINVAL (the name of something that is not a regular
 * file), by errno; all logged.  ${o} is to be released in any case. */
enum err outfile_open(struct outfile *o, const char *path, bool replace);

/* Flush what was written and close.  Errors: by errno, logged. */
enum err outfile_sync(struct outfile *o);

/* After outfile_sync: give it its name, durably: on return it survives power
 * loss.  Errors: EC_EEXIST (somebody was faster), by errno; logged. */
enum err outfile_commit(struct outfile *o);

/* Take back a commit that replaced nothing, because one of several files that
 * belong together failed.  Nothing when there was none. */
void outfile_revoke(struct outfile *o);

/* Remove what was not committed. */
void outfile_release(struct outfile *o);

/* From now on signals that end the process first remove all files that are
 * not committed.  At most OUTFILE_LIVE_MAX of them are looked after. */
enum { OUTFILE_LIVE_MAX = 256 };
void outfile_on_signals(void);

#endif
