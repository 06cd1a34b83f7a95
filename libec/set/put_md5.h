/* put_md5: the MD5 of a stream, taken by a thread of its own beside the
 * encoding: alone it takes longer than all the rest of a write. */
#ifndef PUT_MD5_H
#define PUT_MD5_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct put_md5;

enum err put_md5_new(struct put_md5 **out);	/* EC_ENOMEM */
void put_md5_free(struct put_md5 *m);	/* not between add and wait */

/* Take in ${len} bytes; ${buf} must stay as it is until put_md5_wait. */
void put_md5_add(struct put_md5 *m, const void *buf, size_t len);
void put_md5_wait(struct put_md5 *m);
void put_md5_final(struct put_md5 *m, uint8_t out[16]);

#endif
