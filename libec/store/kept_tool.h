/* kept_tool: ec-heal quarantine. */
#ifndef KEPT_TOOL_H
#define KEPT_TOOL_H

#include "store/store.h"

struct kept_tool {
	const char *verb;	/* "list", "show", "restore", "purge" */
	char *const *names;	/* of files, as list prints them; none: all */
	unsigned name_count;
	bool json;
};

/* A line for each file, on standard output.  Errors: EC_ENOTFOUND (a file of
 * that name is nowhere; logged), EC_EOFFLINE (of some drive it is not known),
 * EC_EIO (standard output), of the drives (logged). */
enum err kept_tool_run(struct store *st, const struct kept_tool *t);

#endif
