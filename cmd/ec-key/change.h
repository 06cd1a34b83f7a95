/* change: the commands that change users, keys, groups and policies. */
#ifndef CHANGE_H
#define CHANGE_H

#include "job.h"

/* Each changes ${doc} as the command of its name in ec-key(1) says.
 * Errors: as iam_doc's changes. */
enum err change_user_add(struct job *j, json_t *doc);
enum err change_user_remove(struct job *j, json_t *doc);
/* Or disable; a user or a key. */
enum err change_enable(struct job *j, json_t *doc);
enum err change_key_add(struct job *j, json_t *doc);
enum err change_key_remove(struct job *j, json_t *doc);
enum err change_key_reseal(struct job *j, json_t *doc);
enum err change_group_add(struct job *j, json_t *doc);
enum err change_group_remove(struct job *j, json_t *doc);
enum err change_group_join(struct job *j, json_t *doc);
enum err change_group_leave(struct job *j, json_t *doc);
enum err change_policy_set(struct job *j, json_t *doc);
enum err change_policy_remove(struct job *j, json_t *doc);
enum err change_policy_attach(struct job *j, json_t *doc);
enum err change_policy_detach(struct job *j, json_t *doc);

#endif
