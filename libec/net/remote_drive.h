/* remote_drive: the drive operations on a drive that another process owns,
 * over HTTP.  ec-wire(7) documents the messages. */
#ifndef REMOTE_DRIVE_H
#define REMOTE_DRIVE_H

#include "base/err.h"
#include "drive/drive.h"
#include "net/http_client.h"

/* The drive ${id} (its format's drive id, as text) at the peer ${c}, which the
 * caller keeps open longer.  ${name} for messages.  Does not connect yet. */
enum err remote_drive_new(struct drive **out, struct http_client *c,
    const char *id, const char *name);

#endif
