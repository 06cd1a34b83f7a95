#include "codec/outputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/log.h"

void
outputs_init(struct outputs *o)
{
	*o = (struct outputs){ .n = 0 };
	for (unsigned i = 0; i < RS_SHARDS_MAX; i++) {
		o->out[i].file = (struct outfile)OUTFILE_INIT;
		o->out[i].fd = -1;
	}
}

void
outputs_release(struct outputs *o)
{
	for (unsigned i = 0; i < RS_SHARDS_MAX; i++) {
		outfile_release(&o->out[i].file);
		free(o->out[i].path);
	}
	outputs_init(o);
}

enum err
outputs_take_fd(struct outputs *o, unsigned i, int fd)
{
	for (unsigned j = 0; j < i; j++)
		if (o->out[j].fd == fd)
			return EC_EEXIST;
	if (asprintf(&o->out[i].path, "descriptor %d", fd) < 0) {
		o->out[i].path = NULL;
		return EC_ENOMEM;
	}
	o->out[i].fd = fd;
	return EC_OK;
}

bool
outputs_is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum err
outputs_name(struct outputs *o, char *const paths[], unsigned count,
    const char *name)
{
	for (unsigned i = 0; i < o->n; i++) {
		const char *path = paths[count == 1 ? 0 : i];
		size_t len = strlen(path);
		int r;

		if (outputs_is_dir(path))
			r = asprintf(&o->out[i].path, "%s%s%s.%0*u.ec", path,
			    path[len - 1] == '/' ? "" : "/", name,
			    o->n > 100 ? 3 : 2, i);
		else
			r = asprintf(&o->out[i].path, "%s", path);
		if (r < 0) {
			o->out[i].path = NULL;
			return EC_ENOMEM;
		}
	}
	return EC_OK;
}

/* Would two become the same file? */
static bool
is_same(const struct outfile *a, const struct outfile *b)
{
	struct stat x, y;

	return a->named && b->named && strcmp(a->name, b->name) == 0 &&
	    fstat(a->dirfd, &x) == 0 && fstat(b->dirfd, &y) == 0 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum err
check_distinct(const struct outputs *o)
{
	for (unsigned i = 0; i < o->n; i++)
		for (unsigned j = 0; j < i; j++)
			if (is_same(&o->out[i].file, &o->out[j].file)) {
				log_error("%s: named twice", o->out[i].path);
				return EC_EINVAL;
			}
	return EC_OK;
}

enum err
outputs_open(struct outputs *o, bool replace)
{
	o->live = 0;
	for (unsigned i = 0; i < o->n; i++) {
		struct output *out = &o->out[i];

		if (out->fd < 0) {
			out->err = outfile_open(&out->file, out->path,
			    replace);
			out->fd = out->file.fd;
		}
		o->live += out->err == EC_OK;
	}
	if (o->live < o->quorum)
		return outputs_blame(o, EC_EQUORUM);
	return check_distinct(o);
}

static enum err
write_output(void *ctx, const void *buf, size_t len)
{
	struct output *out = ctx;

	out->err = io_write_full(out->fd, buf, len);
	if (out->err != EC_OK)
		log_error("%s: %s", out->path, err_text(out->err));
	return out->err;
}

void
outputs_sinks(struct outputs *o, struct encode_sink sinks[])
{
	for (unsigned i = 0; i < o->n; i++) {
		sinks[i] = (struct encode_sink){ NULL, &o->out[i] };
		if (o->out[i].err == EC_OK)
			sinks[i].write = write_output;
	}
}

enum err
outputs_blame(const struct outputs *o, enum err e)
{
	for (unsigned i = 0; e == EC_EQUORUM && i < o->n; i++)
		if (o->out[i].err != EC_OK)
			return o->out[i].err;
	return e;
}

/* One step for each file that is still good. */
static enum err
each_file(struct outputs *o, enum err (*step)(struct outfile *file))
{
	o->live = 0;
	for (unsigned i = 0; i < o->n; i++) {
		struct output *out = &o->out[i];

		if (out->err == EC_OK && out->file.dirfd >= 0)
			out->err = step(&out->file);
		o->live += out->err == EC_OK;
	}
	return o->live < o->quorum ? outputs_blame(o, EC_EQUORUM) : EC_OK;
}

enum err
outputs_commit(struct outputs *o)
{
	enum err e = each_file(o, outfile_sync);

	if (e == EC_OK)
		e = each_file(o, outfile_commit);
	for (unsigned i = 0; e != EC_OK && i < o->n; i++)
		outfile_revoke(&o->out[i].file);
	if (e == EC_OK && o->live < o->n) {
		log_warn("%u of %u shards written", o->live, o->n);
		e = EC_EDEGRADED;
	}
	return e;
}
