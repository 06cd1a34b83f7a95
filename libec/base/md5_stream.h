/* md5_stream: the MD5 of a stream, taken beside other work, and together with
 * the MD5 of other streams where that is cheaper: alone it takes longer than
 * all the rest of a write, and 16 in the lanes of a vector unit hardly more
 * than one.
 *
 * While there are no more streams than processors, each has a thread; with
 * more, one thread takes whatever is waiting in one go, and what comes
 * meanwhile joins it. */
#ifndef MD5_STREAM_H
#define MD5_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct md5_stream;

enum err md5_stream_new(struct md5_stream **out);	/* EC_ENOMEM */
void md5_stream_free(struct md5_stream *s);	/* waits; NULL is fine */

/* Take in ${len} bytes; ${buf} must stay as it is until md5_stream_wait or the
 * next add.  Waits for what was added before. */
void md5_stream_add(struct md5_stream *s, const void *buf, size_t len);
void md5_stream_wait(struct md5_stream *s);
void md5_stream_final(struct md5_stream *s, uint8_t out[16]);

#endif
