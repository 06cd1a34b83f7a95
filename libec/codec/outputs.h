/* outputs: where a tool's k + m new shards go, files or open descriptors; all
 * of the files appear or none. */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/outfile.h"
#include "codec/rs.h"
#include "codec/shard_writer.h"	/* struct encode_sink */

struct output {
	char *path;		/* or what to call a descriptor */
	struct outfile file;
	int fd;			/* file.fd, or one that was open already */
	enum err err;
};

struct outputs {
	unsigned n;		/* the caller sets them: k + m, */
	unsigned quorum;	/* and how many must be written */
	unsigned live;		/* without an error so far */
	struct output out[RS_SHARDS_MAX];
};

void outputs_init(struct outputs *o);

/* Close, and remove what was not committed. */
void outputs_release(struct outputs *o);

/* Output ${i} is the open descriptor ${fd}, which stays the caller's.
 * Errors: EC_EEXIST (it is taken already), EC_ENOMEM. */
enum err outputs_take_fd(struct outputs *o, unsigned i, int fd);

/* The n outputs are the files paths[0 .. n), or all in the directory
 * paths[0] if ${count} is 1.  In a directory a file is called ${name}, the
 * number of the shard and "ec".  Errors: EC_ENOMEM. */
enum err outputs_name(struct outputs *o, char *const paths[], unsigned count,
    const char *name);

/* Is ${path} a directory?  A link to one counts with a slash at its end
 * only. */
bool outputs_is_dir(const char *path);

/* Begin all files.  Errors: the first output's if fewer than quorum could be,
 * EC_EINVAL (a file named twice); logged. */
enum err outputs_open(struct outputs *o, bool replace);

/* Sinks for encode_new: n of them. */
void outputs_sinks(struct outputs *o, struct encode_sink sinks[]);

/* Flush all files and then give them their names; on return they survive
 * power loss.  Below quorum those already named are taken back.
 * Errors: EC_EDEGRADED (quorum, but not all), the first output's. */
enum err outputs_commit(struct outputs *o);

/* In place of EC_EQUORUM the error of the first output that has one, which
 * says more; other errors as they are. */
enum err outputs_blame(const struct outputs *o, enum err e);

#endif
