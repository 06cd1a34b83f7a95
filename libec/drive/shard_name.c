/* shard_name: see the header. */
#include "drive/shard_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"

void
shard_name(char out[SHARD_NAME_BYTES], const struct uuid *data, unsigned index)
{
	num_hex(out, data->b, UUID_BYTES);
	snprintf(out + 2 * UUID_BYTES, SHARD_NAME_BYTES - 2 * UUID_BYTES,
	    "-%u", index & 0xff);
}

bool
shard_name_parse(const char *name, struct uuid *data, unsigned *index)
{
	char again[SHARD_NAME_BYTES], hex[2 * UUID_BYTES + 1];
	uint64_t n;

	if (strlen(name) < 2 * UUID_BYTES + 2 ||
	    name[2 * UUID_BYTES] != '-' ||
	    num_parse(&n, name + 2 * UUID_BYTES + 1, 0, 254) != EC_OK)
		return false;
	memcpy(hex, name, 2 * UUID_BYTES);
	hex[2 * UUID_BYTES] = '\0';
	if (num_unhex(data->b, UUID_BYTES, hex) != EC_OK)
		return false;
	*index = (unsigned)n;
	shard_name(again, data, *index);
	return strcmp(name, again) == 0;
}

void
shard_kept_name(char out[SHARD_KEPT_NAME_BYTES],
    const struct drive_shard_info *f)
{
	char name[SHARD_NAME_BYTES];

	shard_name(name, &f->data, f->index);
	snprintf(out, SHARD_KEPT_NAME_BYTES, "%s.%llu", name,
	    (unsigned long long)f->mtime_us);
}

bool
shard_kept_name_parse(struct drive_shard_info *out, const char *name)
{
	const char *dot = strchr(name, '.');
	char shard[SHARD_NAME_BYTES];

	if (dot == NULL || (size_t)(dot - name) >= sizeof shard ||
	    num_parse(&out->mtime_us, dot + 1, 0, UINT64_MAX) != EC_OK)
		return false;
	memcpy(shard, name, (size_t)(dot - name));
	shard[dot - name] = '\0';
	return shard_name_parse(shard, &out->data, &out->index);
}

enum err
shard_names_add(struct shard_names *l, const struct drive_shard_info *one)
{
	size_t cap = l->cap > 0 ? 2 * l->cap : 256;
	struct drive_shard_info *more;

	if (l->n == l->cap) {
		more = reallocarray(l->v, cap, sizeof *more);
		if (more == NULL)
			return EC_ENOMEM;
		l->v = more;
		l->cap = cap;
	}
	l->v[l->n++] = *one;
	return EC_OK;
}

static int
info_cmp(const void *a, const void *b)
{
	const struct drive_shard_info *x = a, *y = b;
	int c = memcmp(x->data.b, y->data.b, UUID_BYTES);

	if (c == 0)
		c = x->index < y->index ? -1 : x->index > y->index;
	return c != 0 ? c : x->mtime_us < y->mtime_us ? -1 :
	    x->mtime_us > y->mtime_us;
}

void
shard_names_sort(struct shard_names *l)
{
	if (l->n > 0)
		qsort(l->v, l->n, sizeof *l->v, info_cmp);
}

enum err
shard_names_read(struct shard_names *l, int fd, bool (*take)(const void *ctx,
    const char *name, struct drive_shard_info *one), const void *ctx)
{
	struct drive_shard_info one = { .bytes = 0 };
	const struct dirent *d;
	enum err e = EC_OK;
	DIR *dir;

	if ((fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_from_errno(errno);
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return EC_ENOMEM;
	}
	while (e == EC_OK && (errno = 0, d = readdir(dir)) != NULL)
		if (take(ctx, d->d_name, &one))
			e = shard_names_add(l, &one);
	if (e == EC_OK && errno != 0)
		e = err_from_errno(errno);
	closedir(dir);
	shard_names_sort(l);
	return e;
}

unsigned
shard_names_whole(const struct drive_shard_info *out, unsigned n)
{
	unsigned i = n;

	while (i > 0 && uuid_equal(&out[i - 1].data, &out[n - 1].data))
		i--;
	return i > 0 ? i : n;
}
