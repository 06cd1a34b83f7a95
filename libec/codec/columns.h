/* columns: the same range of bytes of several shards of one object, read
 * where they are good and computed where they are not.  The heart of decode. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/rs.h"
#include "codec/sources.h"

struct columns {
	struct sources src;
	const struct rs *rs;
	unsigned k, n;
	unsigned *order;		/* n: whom to ask first */
	size_t cap;			/* most bytes of a column */
	uint64_t lo, hi;		/* the column that scratch is about */
	uint8_t *scratch[RS_SHARDS_MAX];	/* cap bytes each, or NULL */
	bool valid[RS_SHARDS_MAX];	/* scratch[i] has shard i's bytes */
	uint8_t *at[RS_SHARDS_MAX];	/* results of columns_load */
	bool have[RS_SHARDS_MAX], tried[RS_SHARDS_MAX];
};

/* Columns are at most the leaves of one piece.  Errors: EC_ENOMEM, EC_EINVAL;
 * to be released in any case. */
enum err columns_init(struct columns *c, const struct decode_params *p,
    const struct decode_source *in);
void columns_release(struct columns *c);

/* Bytes [lo, hi) of the data of each shard i with want[i]: at[i] points to
 * them, which is dest[i] when that is not NULL, otherwise memory of ${c} that
 * is good as long as the same range is asked for.  lo and hi as in
 * sources_read, and hi - lo <= cap.
 * Errors: EC_EQUORUM (fewer than k are good there), EC_ENOMEM. */
enum err columns_load(struct columns *c, uint64_t lo, uint64_t hi,
    const bool want[], uint8_t *const dest[]);

/* The first reads of columns_load with the same arguments, at most n; those
 * that do not go to ${dest} have no buf. */
unsigned columns_plan(struct columns *c, uint64_t lo, uint64_t hi,
    const bool want[], uint8_t *const dest[], struct decode_read *reads);

#endif
