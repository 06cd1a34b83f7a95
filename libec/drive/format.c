/* format: format.json, read strictly and written whole. */
#include "drive/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/os_linux.h"

static bool
uint_get(const json_t *o, const char *name, uint64_t max, uint64_t *out)
{
	const json_t *v = json_object_get(o, name);
	json_int_t n;

	if (!json_is_integer(v))
		return false;
	n = json_integer_value(v);
	if (n < 0 || (uint64_t)n > max)
		return false;
	*out = (uint64_t)n;
	return true;
}

static bool
uint_put(unsigned *out, const json_t *o, const char *name, unsigned max)
{
	uint64_t v;

	if (!uint_get(o, name, max, &v))
		return false;
	*out = (unsigned)v;
	return true;
}

static bool
uuid_get(const json_t *v, struct uuid *out)
{
	return json_is_string(v) &&
	    uuid_parse(out, json_string_value(v)) == EC_OK &&
	    !uuid_is_zero(out);
}

static bool
drives_get(const json_t *a, struct format *out)
{
	size_t n = json_array_size(a);

	if (n < 1 || n > FORMAT_SET_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!uuid_get(json_array_get(a, i), &out->drives[i]))
			return false;
	out->drive_count = (unsigned)n;
	return true;
}

/* Left out by those who never replaced a drive. */
static bool
born_get(const json_t *a, struct format *out)
{
	if (a == NULL)
		return true;
	if (json_array_size(a) != out->drive_count)
		return false;
	for (unsigned i = 0; i < out->drive_count; i++) {
		const json_t *v = json_array_get(a, i);

		if (!json_is_integer(v) || json_integer_value(v) < 0)
			return false;
		out->born_us[i] = (uint64_t)json_integer_value(v);
	}
	return true;
}

static bool
filling_get(const json_t *v, struct format *out)
{
	out->filling = json_is_true(v);
	return v == NULL || json_is_boolean(v);
}

enum err
format_decode(struct format *out, const char *text, size_t len)
{
	struct format f = { .generation = 0 };
	json_error_t why;
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	uint64_t version;
	enum err e = EC_EFORMAT;

	if (o == NULL && json_error_code(&why) == json_error_out_of_memory)
		return EC_ENOMEM;
	if (o == NULL || !uint_get(o, "format", INT64_MAX, &version) ||
	    version != FORMAT_VERSION)
		goto out;
	if (!uuid_get(json_object_get(o, "deployment"), &f.deployment) ||
	    !uuid_get(json_object_get(o, "drive"), &f.drive) ||
	    !uint_put(&f.pool, o, "pool", 1u << 16) ||
	    !uint_put(&f.set_count, o, "set_count", 1u << 16) ||
	    !uint_put(&f.set, o, "set", 1u << 16) ||
	    !uint_put(&f.slot, o, "slot", FORMAT_SET_MAX - 1) ||
	    !uint_get(o, "generation", INT64_MAX, &f.generation) ||
	    !drives_get(json_object_get(o, "drives"), &f) ||
	    !born_get(json_object_get(o, "born"), &f) ||
	    !filling_get(json_object_get(o, "filling"), &f))
		goto out;
	if (f.set >= f.set_count || f.slot >= f.drive_count ||
	    !uuid_equal(&f.drive, &f.drives[f.slot]))
		goto out;
	*out = f;
	e = EC_OK;
out:
	json_decref(o);
	return e;
}

static bool
any_born(const struct format *f)
{
	for (unsigned i = 0; i < f->drive_count; i++)
		if (f->born_us[i] != 0)
			return true;
	return false;
}

enum err
format_encode(char *out, size_t len, const struct format *f)
{
	char id[UUID_TEXT_BYTES], own[UUID_TEXT_BYTES];
	struct buf b = BUF_INIT(FORMAT_TEXT_MAX);
	enum err e;

	if (f->drive_count < 1 || f->drive_count > FORMAT_SET_MAX ||
	    f->slot >= f->drive_count || f->set >= f->set_count ||
	    !uuid_equal(&f->drive, &f->drives[f->slot]))
		return EC_EINVAL;
	uuid_text(id, &f->deployment);
	uuid_text(own, &f->drive);
	e = buf_printf(&b, "{\n\t\"format\": %d,\n\t\"deployment\": \"%s\",\n"
	    "\t\"drive\": \"%s\",\n\t\"pool\": %u,\n\t\"set_count\": %u,\n"
	    "\t\"set\": %u,\n\t\"slot\": %u,\n\t\"generation\": %llu,\n"
	    "%s\t\"drives\": [", FORMAT_VERSION, id, own, f->pool,
	    f->set_count, f->set, f->slot, (unsigned long long)f->generation,
	    f->filling ? "\t\"filling\": true,\n" : "");
	for (unsigned i = 0; e == EC_OK && i < f->drive_count; i++) {
		uuid_text(id, &f->drives[i]);
		e = buf_printf(&b, "%s\n\t\t\"%s\"", i > 0 ? "," : "", id);
	}
	for (unsigned i = 0; e == EC_OK && any_born(f) && i < f->drive_count;
	    i++)
		e = buf_printf(&b, "%s%llu", i > 0 ? ", " :
		    "\n\t],\n\t\"born\": [",
		    (unsigned long long)f->born_us[i]);
	if (e != EC_OK || (e = buf_add_str(&b, any_born(f) ? "]\n}\n" :
	    "\n\t]\n}\n")) != EC_OK)
		goto out;
	if (b.len >= len) {
		e = EC_ELIMIT;
		goto out;
	}
	memcpy(out, b.data, b.len + 1);
out:
	buf_release(&b);
	return e;
}

enum err
format_read(struct format *out, int drive_fd)
{
	char *text = NULL;
	size_t len;
	int fd = -1;
	enum err e;

	if ((fd = os_open_beneath(drive_fd, ".ec",
	    O_RDONLY | O_DIRECTORY, 0)) < 0)
		return err_from_errno(errno);
	if ((e = io_slurp(fd, "format.json", FORMAT_TEXT_MAX, &text, &len)) !=
	    EC_OK) {
		if (e == EC_ELIMIT)
			e = EC_EFORMAT;
		goto out;
	}
	if ((e = format_decode(out, text, len)) == EC_EFORMAT)
		log_error(".ec/format.json is damaged or of a later version");
out:
	free(text);
	close(fd);
	return e;
}

enum err
format_write(int drive_fd, const struct format *f)
{
	char text[FORMAT_TEXT_MAX];
	int fd = -1;
	enum err e;

	if ((e = format_encode(text, sizeof text, f)) != EC_OK)
		return e;
	if (mkdirat(drive_fd, ".ec", 0700) != 0 && errno != EEXIST)
		return err_from_errno(errno);
	if (fsync(drive_fd) != 0)
		return err_from_errno(errno);
	if ((fd = os_open_beneath(drive_fd, ".ec",
	    O_RDONLY | O_DIRECTORY, 0)) < 0)
		return err_from_errno(errno);
	e = io_replace(fd, "format.json", text, strlen(text), 0600);
	close(fd);
	return e;
}
