/* show: the commands that print users, keys, groups and policies. */
#ifndef SHOW_H
#define SHOW_H

#include "job.h"

/* Print what j->show makes of the document; without one, explain.  Errors:
 * EC_EDENIED (explained: denied), of j->show, explain and the store. */
enum err show_run(struct store *st, struct job *j);

/* Lines about ${doc} for ${out}, as in ec-key(1).
 * Errors: EC_ENOMEM, EC_ELIMIT; show_policy: EC_ENOTFOUND, logged. */
enum err show_users(struct job *j, json_t *doc, struct buf *out);
enum err show_keys(struct job *j, json_t *doc, struct buf *out);
enum err show_groups(struct job *j, json_t *doc, struct buf *out);
enum err show_policies(struct job *j, json_t *doc, struct buf *out);
enum err show_policy(struct job *j, json_t *doc, struct buf *out);

#endif
