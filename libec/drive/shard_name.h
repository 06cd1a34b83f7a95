/* shard_name: the names of shard files, 3f9a...-1: the id of the data in hex,
 * the shard's index in decimal; and lists of such files. */
#ifndef SHARD_NAME_H
#define SHARD_NAME_H

#include "drive/drive.h"

enum {
	SHARD_NAME_BYTES = 40,		/* 32 digits, '-', 0 .. 254, NUL */
	SHARD_KEPT_NAME_BYTES = 64,
};

void shard_name(char out[SHARD_NAME_BYTES], const struct uuid *data,
    unsigned index);
/* One spelling only; false: it is none. */
bool shard_name_parse(const char *name, struct uuid *data, unsigned *index);

/* In quarantine: the name, a dot, and the time it came there (mtime_us). */
void shard_kept_name(char out[SHARD_KEPT_NAME_BYTES],
    const struct drive_shard_info *f);
bool shard_kept_name_parse(struct drive_shard_info *out, const char *name);

struct shard_names {
	struct drive_shard_info *v;	/* the caller's to free() */
	size_t n, cap;
};

/* Errors: EC_ENOMEM. */
enum err shard_names_add(struct shard_names *l,
    const struct drive_shard_info *one);
/* By id, index and time. */
void shard_names_sort(struct shard_names *l);

/* Add what ${take} knows of the names in a folder, and sort; ${fd} stays open.
 * Errors: EC_EIO and the like, EC_ENOMEM. */
enum err shard_names_read(struct shard_names *l, int fd,
    bool (*take)(const void *ctx, const char *name,
    struct drive_shard_info *one), const void *ctx);

/* All files of an id are given together, for a list goes on behind an id: what
 * is left of out[0 .. n) without the last one's, unless that is all. */
unsigned shard_names_whole(const struct drive_shard_info *out, unsigned n);

#endif
