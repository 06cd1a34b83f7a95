/* finding: what a scan found, as a line, and back: ec-scan(8) has the forms.
 *
 *	what TAB name TAB version TAB text
 *
 * Name: bucket/key, bucket (its record), or a drive.  Version: 32 hex digits,
 * "upload-" and such (an upload or a part of it), or "-". */
#ifndef FINDING_H
#define FINDING_H

#include "store/store.h"

enum finding_form {
	FINDING_TEXT,	/* control bytes and backslashes in names escaped as \n,
			 * \t, \\, \xHH; newline at the end */
	FINDING_NUL,	/* nothing escaped; NUL at the end */
	FINDING_JSON,	/* one object; newline at the end */
};

/* Append the line. */
enum err finding_format(struct buf *out, const struct scan_finding *f,
    enum finding_form form);

/* The same of what a heal did, or with ${dry} would do: "healed", "left",
 * "lost", "undecided", "would-heal" in the place of what. */
enum err finding_format_healed(struct buf *out, const struct heal_report *r,
    bool dry, enum finding_form form);
/* That word. */
const char *finding_result(const struct heal_report *r, bool dry);

/* What there is to heal.  ${key} "": the bucket's record. */
struct finding {
	enum scan_what what;
	char bucket[RECORD_BUCKET_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	struct stamp version;	/* zero: all of the key */
};

/* Read a line without its end: FINDING_NUL, or any of the others (a JSON object
 * begins with a brace).  Drives and litter have no bucket.
 * Errors: EC_EINVAL; EC_ENOTFOUND (JSON that is no finding: a summary). */
enum err finding_parse(struct finding *out, const char *line, size_t len,
    bool nul);

#endif
