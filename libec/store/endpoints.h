/* endpoints: the drives' names, from patterns: "/mnt/d{1...4}", "/a /b",
 * "/mnt/{1..4}" is the shell's and arrives expanded.  Pure. */
#ifndef ENDPOINTS_H
#define ENDPOINTS_H

#include "base/err.h"
#include "drive/format.h"

enum { ENDPOINTS_MAX = 1024 };

struct endpoints {
	char **path;		/* absolute paths, no two equal */
	unsigned count;
	unsigned set_size;	/* divides count, 1 .. 16 */
};
#define ENDPOINTS_INIT { NULL, 0, 0 }

/* Expand ${n} words (each may hold blanks between patterns).  {a...b} counts,
 * with leading zeros kept ("{01...12}"); several in one word multiply.
 * Set size: the largest of 2 .. 16 that divides the count (1 for one drive).
 * Errors: EC_EINVAL (logged: what is wrong with which word), EC_ENOMEM. */
enum err endpoints_parse(struct endpoints *out, const char *const words[],
    unsigned n);
void endpoints_release(struct endpoints *e);

unsigned endpoints_set_size(unsigned drives);	/* 0: no allowed size */

#endif
