/* io: whole reads and writes, and files that appear whole or not at all. */
#ifndef IO_H
#define IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"

/* Write all of ${buf}, restarting after signals and short writes.
 * Errors: by errno, silently; the position is then undefined. */
enum err io_write_full(int fd, const void *buf, size_t len);
enum err io_pwrite_full(int fd, const void *buf, size_t len, uint64_t off);
enum err io_pwritev_full(int fd, struct iovec *iov, int n, uint64_t off);

/* Read until ${len} bytes or the end; *${got} says how many.  iov is used up.
 * Errors: by errno, silently. */
enum err io_read_full(int fd, void *buf, size_t len, size_t *got);
enum err io_pread_full(int fd, void *buf, size_t len, uint64_t off,
    size_t *got);

/* Replace ${name}, a path from ${dirfd}, by ${len} bytes: a unique temporary
 * file beside it (mode ${mode}), fsync, rename, fsync of the directory.  On
 * return it survives power loss.  Errors: by errno, logged with the name; then
 * the old content stands and no temporary is left. */
enum err io_replace(int dirfd, const char *name, const void *buf, size_t len,
    mode_t mode);

/* All of a file of at most ${max} bytes, with a NUL added; free(*out).
 * Errors: EC_ENOTFOUND, EC_ELIMIT (larger), by errno. */
enum err io_slurp(int dirfd, const char *name, size_t max, char **out,
    size_t *len);

#endif
