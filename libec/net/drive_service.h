/* drive_service: serves this process's drives to others: the other end of
 * remote_drive. */
#ifndef DRIVE_SERVICE_H
#define DRIVE_SERVICE_H

#include "base/err.h"
#include "base/uuid.h"
#include "drive/lane.h"
#include "net/http_server.h"
#include "net/peer_auth.h"

enum { DRIVE_SERVICE_DRIVES_MAX = 256 };
#define DRIVE_SERVICE_PATH "/.ec/drive/"

struct drive_service;

enum err drive_service_new(struct drive_service **out);	/* EC_ENOMEM */

/* The server that calls it was stopped before.  NULL is fine. */
void drive_service_free(struct drive_service *s);

/* Serve ${lane} as the drive ${id}; it stays the caller's and is removed here
 * before it is freed.  Threads: all.  Errors: EC_EEXIST, EC_ELIMIT. */
enum err drive_service_add(struct drive_service *s, const struct uuid *id,
    struct lane *lane);

/* No request uses the lane when this returns; it waits for those under way.
 * An unknown id is fine. */
void drive_service_remove(struct drive_service *s, const struct uuid *id);

/* The HTTP service to put behind http_server_start (on a Unix socket whose
 * directory only the owner may enter: reaching it is the permission). */
void drive_service_http(struct drive_service *s, struct http_service *out);

/* Serve one request, signed if ${auth} is not NULL.  false: its target does not
 * begin with DRIVE_SERVICE_PATH; then nothing was answered. */
bool drive_service_serve(struct drive_service *s, struct http_exchange *x,
    struct peer_auth *auth);

#endif
