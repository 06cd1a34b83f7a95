/* shardset: shard files on disk that somebody named on a command line, sorted
 * out: which belong together, which is which, what is wrong with the others. */
#ifndef SHARDSET_H
#define SHARDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/decode.h"
#include "codec/rs.h"
#include "codec/shard.h"

enum shardset_state {
	SHARDSET_GOOD,		/* as far as was looked */
	SHARDSET_DAMAGED,	/* of the set; something does not hold */
	SHARDSET_MISSING,	/* no such file */
	SHARDSET_UNREADABLE,	/* cannot be opened or read */
	SHARDSET_ALIEN,		/* no shard file, or damaged beyond telling */
	SHARDSET_FOREIGN,	/* of another object */
	SHARDSET_DUPLICATE,	/* another file is this shard too */
	SHARDSET_REPAIRED,	/* was damaged or missing, is good now */
};

struct shardset_file {
	char *path;
	int fd;
	uint64_t bytes;
	bool has_header;
	struct shard_header header;
	enum shardset_state state;
	unsigned index;		/* which shard; for GOOD and DAMAGED */
	uint64_t bad_off;	/* where, for DAMAGED */
	enum err why;
};

struct shardset {
	struct shardset_file *files;
	size_t n, cap;
	struct shard_header header;	/* of the set chosen; index is 0 */
	struct shardset_file *of[RS_SHARDS_MAX];	/* by index, or NULL */
	unsigned found;			/* how many of them */
	unsigned good;			/* of them, as far as was looked */
};

#define SHARDSET_INIT { .files = NULL }

void shardset_release(struct shardset *s);

/* Take the file ${path}, whatever it is, or every *.ec in the folder ${path}.
 * Errors: EC_ENOMEM, EC_ELIMIT (more than SHARDSET_FILES_MAX). */
enum { SHARDSET_FILES_MAX = 4096 };
enum err shardset_add(struct shardset *s, const char *path);

/* Choose the set to work on: the only one of which k shards or more are there
 * or, when there is just one, that; or the one of ${id} when not NULL.  Then
 * sort out the files.
 * Errors: EC_ENOTFOUND (no shard at all, or none of ${id}), EC_ECONFLICT
 * (several sets; each was named in an error message), EC_ELOST (several sets,
 * all of them with too few). */
enum err shardset_choose(struct shardset *s, const struct uuid *id);

/* ${out}: k + m of them, for decode_new.  Good as long as ${s}. */
void shardset_sources(const struct shardset *s, struct decode_source out[]);

/* Look at each file of the set, by ${d} which reads from shardset_sources:
 * whole if ${deep}, otherwise header and tail.  States and ${good} are set.
 * Errors: EC_ENOMEM. */
enum err shardset_check(struct shardset *s, struct decode *d, bool deep);

/* After a deep check: write anew what is damaged or missing, each file whole
 * under a temporary name and then in place of the old one.  Missing shards go
 * to files that were named but are missing, and with ${force} also to those
 * that are unrecognized or unreadable: to the one whose place on the command
 * line is the shard's number if it can be, otherwise to the first.  With
 * ${dry} nothing is written.  State and index are set as for a success.
 * Errors: EC_ELOST (nothing was written), EC_EDEGRADED (no file named for
 * some shard), EC_ENOMEM, by errno (logged). */
enum err shardset_repair(struct shardset *s, struct decode *d, bool force,
    bool dry);

/* Append what ec-decode(1) prints of the set, as lines of tab-separated fields
 * or as JSON lines: ${what} was done and ended with ${e}.  Without a tail what
 * only tails know is left out.
 * Errors: EC_ENOMEM, EC_ELIMIT. */
enum err shardset_print(struct buf *b, const struct shardset *s,
    const struct shard_tail *t, const char *what, enum err e, bool json);

/* Lower case, one word; for people and programs. */
const char *shardset_state_text(enum shardset_state state);

#endif
