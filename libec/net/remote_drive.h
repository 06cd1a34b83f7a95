/* remote_drive: the drive operations on a drive that another process owns,
 * over HTTP.  ec-wire(7) documents the messages.
 *
 * Errors are the drive's own, carried by name, and those of the way there:
 * EC_EOFFLINE when the peer cannot be reached or goes away, EC_ETIMEDOUT when
 * it is silent.  After these two it is unknown whether an append was done. */
#ifndef REMOTE_DRIVE_H
#define REMOTE_DRIVE_H

#include "base/err.h"
#include "drive/drive.h"
#include "net/peer.h"

/* The drive ${id} (its format's drive id, as text) at the peer ${p}, which the
 * caller keeps longer.  ${name} for messages.  Does not connect yet.
 * Errors: EC_EINVAL (id), EC_ENOMEM. */
enum err remote_drive_new(struct drive **out, struct peer *p,
    const char *id, const char *name);

#endif
