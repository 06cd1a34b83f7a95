/* staged: a shard file that is to take the place of another of its name, which
 * stays until the new one is durable.  It is written in DRIVE/.ec/staged. */
#ifndef STAGED_H
#define STAGED_H

#include "drive/quarantine.h"

enum { STAGED_NAME_BYTES = 64 };

struct staged {
	int fd;			/* the folder; -1: there is none */
	char name[STAGED_NAME_BYTES];
};
#define STAGED_INIT { .fd = -1 }

/* Make the folder if need be, and empty it as far as the file system allows:
 * what an earlier owner of the drive left there is of no use.
 * Errors: by errno. */
enum err staged_init(int drive_fd);

/* Create a file for what is to be called ${name}; *${file_fd} is the caller's.
 * ${s} is STAGED_INIT.  Errors: by errno. */
enum err staged_create(struct staged *s, int drive_fd, const char *name,
    int *file_fd);

/* Put the file, whose content is durable, in the place of ${name} in the folder
 * ${to_fd}; the old one goes to quarantine if there is room for it.  At any
 * moment the name stands for one of them.  The caller syncs ${to_fd}.
 * Errors: EC_EEXIST (the old one has the same bytes, and stays), by errno. */
enum err staged_replace(struct staged *s, struct quarantine *q, int to_fd,
    const char *name);

/* Remove what was not put in place. */
void staged_release(struct staged *s);

#endif
