/* hooks: programs of the user's that are told of events, as zed and mdadm do.
 *
 * A thread runs them, one at a time; nobody waits for it.  HOOKS_QUEUED events
 * may wait, those behind are dropped and counted.  A program that takes longer
 * than HOOKS_TIME_MS is killed, with its process group.  It gets nothing of
 * the caller's environment but PATH: no secrets.  Standard input is empty,
 * standard output goes where messages go. */
#ifndef HOOKS_H
#define HOOKS_H

#include "base/err.h"

enum {
	HOOKS_QUEUED = 64,
	HOOKS_TIME_MS = 60000,
	HOOKS_END_MS = 5000,	/* how long hooks_free waits */
	HOOKS_VARS_MAX = 12,
};

struct hooks;

/* ${path}: a program, or a folder of which each program (regular, executable,
 * its name of letters, digits, - _ and .) is run in order of name; looked at
 * anew for each event.  Errors: EC_ENOTFOUND (logged), EC_ENOMEM. */
enum err hooks_new(struct hooks **out, const char *path);

/* Waits for what is queued, at most HOOKS_END_MS, then kills.  NULL is fine. */
void hooks_free(struct hooks *h);

/* Tell of ${event}: EC_EVENT, and ${vars}: "EC_DRIVE=/mnt/d1" ..., up to NULL,
 * all copied.  Never waits.  Any thread; ${h} NULL: nothing is done. */
void hooks_tell(struct hooks *h, const char *event, const char *const vars[]);

#endif
