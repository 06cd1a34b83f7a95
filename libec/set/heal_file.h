/* heal_file: one shard file on one lane, read or written through a series of
 * calls, so that it stays with the drive that it was opened on. */
#ifndef HEAL_FILE_H
#define HEAL_FILE_H

#include "drive/lane.h"

enum { HEAL_FILE_TAIL_BYTES = 64 };

struct heal_file;

/* Start to open the file to read (${g} gathers it), or to create it.
 * *${out} is the caller's, to heal_file_free, if and only if EC_OK.
 * Errors: EC_ENOMEM. */
enum err heal_file_open(struct heal_file **out, struct lane *l,
    const struct uuid *data, unsigned index, struct gather *g);
enum err heal_file_create(struct heal_file **out, struct lane *l,
    const struct uuid *data, unsigned index);
/* Closes it, or aborts what was not committed; NULL is fine. */
void heal_file_free(struct heal_file *f);

/* Whether the call last started is done, and its result (EC_ETIMEDOUT when it
 * is not: it is then left, and the file is of no use any more). */
enum err heal_file_result(struct heal_file *f);

/* Of a file that was opened: its length, and the last bytes of it (zeros when
 * it is shorter). */
uint64_t heal_file_bytes(const struct heal_file *f);
const uint8_t *heal_file_tail(const struct heal_file *f);

/* Start to read; take copies what was read when heal_file_result is EC_OK. */
enum err heal_file_read(struct heal_file *f, size_t len, uint64_t off,
    struct gather *g);
void heal_file_take(struct heal_file *f, void *buf, size_t len);

/* Wait until a file to write is created; its first error. */
enum err heal_file_created(struct heal_file *f);

/* Write (${buf} is copied, and written in larger pieces; waits for the piece
 * before, so that three are in memory), or commit and wait for it.  The first
 * error of the file is given back from there on. */
enum err heal_file_write(struct heal_file *f, const void *buf, size_t len);
enum err heal_file_commit(struct heal_file *f);
uint64_t heal_file_written(const struct heal_file *f);

#endif
