/* shard_files: the shard files of one object in memory, for tests of encode
 * and decode; what is read of them is counted, and they fail when told to. */
#ifndef SHARD_FILES_H
#define SHARD_FILES_H

#include "base/buf.h"
#include "codec/decode.h"
#include "codec/encode.h"

enum { SHARDS_MAX = 32, SHARD_MAX = 64 * 1024 * 1024 };

struct shard_file {
	struct buf buf;
	uint64_t reads, read_bytes;
	enum err err;		/* of reads */
	uint64_t err_after;	/* writes fail beyond this length */
};

/* Those that shard_files_encode writes, and a second lot. */
extern struct shard_file files[SHARDS_MAX], rebuilt[SHARDS_MAX];
enum { UNITS = 5 };
extern const uint32_t units[UNITS];	/* small, large, no power of two */
extern unsigned bad_count;	/* bad shards told of since the last open */

uint64_t rnd(void);		/* the same numbers in every run */
void fill(uint8_t *p, size_t len);

/* The ctx of an encode_sink or a decode_source is a struct shard_file. */
enum err file_write(void *ctx, const void *buf, size_t len);
enum err file_pread(void *ctx, void *buf, size_t len, uint64_t off);
void files_reset(struct shard_file *f);
void count_bad(void *ctx, unsigned index, enum err why, uint64_t off);

struct encode_params params(unsigned k, unsigned m, uint32_t unit);
struct shard_tail plain_tail(void);

/* Encode ${len} bytes in pieces of ${step} into files. */
enum err encode_all(const struct encode_params *p, const uint8_t *data,
    size_t len, size_t step, struct shard_tail *tail);
/* Open those that are not empty. */
enum err open_all(struct decode **d, const struct encode_params *p,
    uint64_t *size);

#endif
