/* print: buckets and objects on a tool's standard output.
 *
 * Text: one a line, TAB between fields; a key's control bytes and backslashes
 * as \n, \t, \\, \xHH.  ${nul}: names only, NUL behind each, nothing escaped.
 * Errors: EC_EIO (logged), EC_ENOMEM. */
#ifndef PRINT_H
#define PRINT_H

#include "store/store.h"

enum err print_bucket(const struct bucket *b, bool json, bool nul);
enum err print_entry(const struct list_entry *e, bool versions, bool json,
    bool nul);
enum err print_object(const struct object *o, bool json);

#endif
