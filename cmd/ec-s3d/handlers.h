/* handlers: the operations, by file; each is a call_handler (call.h). */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "call.h"

/* bucket.c */
call_handler handle_bucket_list, handle_bucket_create, handle_bucket_head,
    handle_bucket_delete;
/* bucket_config.c: what is fixed here, and what is not set */
call_handler handle_bucket_location,
    handle_request_payment, handle_bucket_logging,
    handle_bucket_accelerate, handle_bucket_notification,
    handle_no_lifecycle,
    handle_no_website, handle_no_encryption,
    handle_no_replication;
/* acl_answer.c */
call_handler handle_bucket_acl_get, handle_bucket_acl_put,
    handle_object_acl_get, handle_object_acl_put;
/* policy_answer.c */
call_handler handle_policy_get, handle_policy_put, handle_policy_delete,
    handle_policy_status, handle_public_block_get, handle_public_block_put,
    handle_public_block_delete, handle_ownership_get, handle_ownership_put,
    handle_ownership_delete;
/* sts.c: what POST / asks for is told by its form; a row of its own for each,
 * NULL when it is none that is done. */
call_handler handle_assume_role;
const struct route *sts_route(const struct call *c);
/* bucket_tags.c */
call_handler handle_bucket_tags_get, handle_bucket_tags_put,
    handle_bucket_tags_delete;
/* bucket_versioning.c */
call_handler handle_versioning_get, handle_versioning_put;
/* object_lock_rule.c, object_lock.c */
call_handler handle_object_lock_get, handle_object_lock_put,
    handle_retention_get, handle_retention_put, handle_legal_hold_get,
    handle_legal_hold_put;
/* object_tags.c */
call_handler handle_object_tags_get, handle_object_tags_put,
    handle_object_tags_delete;
/* object_extract.c, bucket_archive.c */
call_handler handle_object_extract, handle_bucket_archive;
/* object_post.c */
call_handler handle_object_post;
/* cors.c */
call_handler handle_cors_get, handle_cors_put, handle_cors_delete;
/* list.c */
call_handler handle_list_v1, handle_list_v2, handle_list_versions;
/* object_get.c, object_attributes.c, object_put.c, object_copy.c,
 * object_delete.c */
call_handler handle_object_get, handle_object_head,
    handle_object_attributes, handle_object_put, handle_object_copy,
    handle_object_delete, handle_objects_delete;
/* upload.c, upload_complete.c, upload_list.c */
call_handler handle_upload_create, handle_upload_part, handle_upload_part_copy,
    handle_upload_complete, handle_upload_abort, handle_upload_parts,
    handle_uploads;
/* route.c */
call_handler handle_not_implemented;

#endif
