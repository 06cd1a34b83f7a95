/* amend: change the metadata of a version, and nothing else of it. */
#ifndef AMEND_H
#define AMEND_H

#include "set/set.h"

/* Give the version that ${o} was read from (get_open) the metadata o->meta.
 * Call with the key's lock held since ${o} was read.  Durable on return, and
 * o->amended is set.  Errors: EC_EQUORUM, EC_ENOSPC. */
enum err amend_version(struct set *s, struct object *o);

/* Drop, off the caller's path, the amendment ${o} has, whose version is
 * gone. */
void amend_purge(struct set *s, const struct object *o);

#endif
