/* sources: the k + m shard files of one object, read and verified leaf by
 * leaf.  Which of them to read is columns' business; decode's users need
 * neither. */
#ifndef SOURCES_H
#define SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/decode.h"

struct source {
	struct decode_source in;
	bool dead;		/* missing, or its tail cannot be used */
	bool opened;		/* its tail was read and is good */
	bool suspect;		/* something of it was bad: a last resort */
	enum err why;		/* what was found last, and where in its file */
	uint64_t why_off;
	uint8_t *pages;		/* sums of its pages */
	uint8_t *page;		/* leaf sums of page number page_at, verified */
	uint64_t page_at;	/* UINT64_MAX: none */
};

struct sources {
	struct decode_params p;
	unsigned n;
	struct source *src;
	struct decode_read *reads;	/* n */
	uint8_t **sum, *sums;		/* n, and room for what they point to */
	size_t sums_cap;
	uint64_t data_bytes;		/* of each shard; once one is opened */
	uint8_t *tail_bytes;		/* of the first that was opened */
	uint64_t tail_len;
	const uint8_t *meta;		/* in them, with what they say */
	struct shard_tail tail;
};

/* Errors: EC_ENOMEM; to be released in any case. */
enum err sources_init(struct sources *s, const struct decode_params *p,
    const struct decode_source *in);
void sources_release(struct sources *s);

/* Some bytes of source ${i}'s file, not verified.  Errors: the source's. */
enum err sources_pread(const struct sources *s, unsigned i, void *buf,
    size_t len, uint64_t off);

/* Read and check the tails of those of ${index[0 .. n)} that are not opened.
 * Errors: EC_ENOMEM; what else goes wrong is kept with the source. */
enum err sources_open(struct sources *s, const unsigned index[], unsigned n);

/* Read bytes [lo, hi) of the data of shards ${index[0 .. n)} to at[i] of each,
 * opening them first.  lo is at the begin of a leaf, hi at the end of one in
 * the same group.  have[i] is set for those whose bytes are good; others
 * become suspect or dead.  Errors: EC_ENOMEM. */
enum err sources_read(struct sources *s, const unsigned index[], unsigned n,
    uint64_t lo, uint64_t hi, uint8_t *const at[], bool have[]);

#endif
