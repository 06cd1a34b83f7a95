/* object: struct object from a record. */
#ifndef OBJECT_H
#define OBJECT_H

#include "set/set.h"

/* Fill ${o} (OBJECT_INIT) from a decoded record; ${o}->newest is the caller's.
 * Errors: EC_ENOMEM, EC_ECORRUPT. */
enum err object_from_record(struct object *o, const struct record *r);

/* Give it the metadata of an amendment. */
enum err object_amend(struct object *o, const struct record *r);

#endif
