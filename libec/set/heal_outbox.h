/* heal_outbox: records that a heal has to append, held back so that those of
 * many keys go to a drive in one batch, with one flush.  Their reports are held
 * back, too, until it is known what became of them.  Of one thread. */
#ifndef HEAL_OUTBOX_H
#define HEAL_OUTBOX_H

#include "set/heal.h"

struct heal_outbox;

/* For drives of ${s}; reports go to ${each} with ${ctx}.  *${out} is the
 * caller's if EC_OK.  Errors: EC_ENOMEM. */
enum err heal_outbox_new(struct heal_outbox **out, struct set *s,
    void (*each)(void *ctx, const struct heal_report *r), void *ctx);
void heal_outbox_free(struct heal_outbox *o);	/* drops what was not sent */

/* One more record for the drive in ${slot}, of the version whose report is put
 * next; copied.  Errors: EC_ENOMEM, EC_EINVAL. */
enum err heal_outbox_add(struct heal_outbox *o, unsigned slot,
    const struct record *r);

/* The report of a version, as it is when all its records are appended. */
void heal_outbox_put(struct heal_outbox *o, const struct heal_report *r);

/* Whether a key of ${versions} has room, those having no data but inline data;
 * an empty one has it for HEAL_OUTBOX_KEY. */
enum { HEAL_OUTBOX_KEY = 8 };
bool heal_outbox_room(const struct heal_outbox *o, unsigned versions);

/* Append all and wait for it; durable then.  A version of which a drive did not
 * take its record is reported as it was there.
 * Errors: EC_EDEGRADED (that), EC_ENOMEM. */
enum err heal_outbox_send(struct heal_outbox *o);

#endif
