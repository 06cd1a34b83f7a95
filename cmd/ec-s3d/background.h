/* background: what the server does by itself: takes in drives that came back
 * or were replaced, heals, tidies the drives, ends uploads that nobody goes on
 * with. */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include "store/store.h"

enum {
	BACKGROUND_PERIOD_MS = 1000,
	BACKGROUND_UPLOADS_PERIOD_S = 3600,
	BACKGROUND_UPLOAD_DAYS = 7,	/* then an upload is aborted */
};

struct background;

/* Two threads until stop, which waits for them.  ${hooks}: programs that are
 * told what becomes of the drives; NULL: none.  Errors: EC_ENOMEM, by errno, as
 * hooks_new. */
enum err background_start(struct background **out, struct store *store,
    const char *hooks);
void background_stop(struct background *b);

#endif
