/* tool: what ec-scan, ec-heal and ec-pool have in common. */
#ifndef TOOL_H
#define TOOL_H

#include "base/opt.h"
#include "store/store.h"

/* Open the drives of -d and those that stand as operands ("-" is none);
 * without any those of EC_VOLUMES or the configuration file.  Drives that
 * another process owns are used through it.  Others may use these likewise, and
 * store_close waits for them; with ${brief} they wait until it is closed.
 * Errors: as store_open. */
enum err tool_open(struct store **out, const struct opt_list *drives,
    bool brief, int argc, char *argv[]);

/* What a scan or heal is confined to: "bucket" or "bucket/prefix". */
struct tool_scope {
	char name[RECORD_BUCKET_MAX + 1];
	const char *bucket, *prefix;	/* NULL: all; they lead into it */
};

/* ${text} NULL: all; else it outlives ${out}, as does ${out} its pointers.
 * Errors: EC_EINVAL (not a bucket's name). */
enum err tool_scope_parse(struct tool_scope *out, const char *text);

/* The versions in the scope, for progress; 0 when they cannot be counted. */
uint64_t tool_count(struct store *st, const struct tool_scope *scope);

/* Write ${b} to standard output, at once, and release it.
 * Errors: EC_EIO (logged). */
enum err tool_put(struct buf *b);

#endif
