/* local_note: DRIVE/.ec/NAME.note */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "drive/local_impl.h"

enum { NAME_BYTES = DRIVE_NOTE_NAME_MAX + 8 };

static enum err
note_name(char out[NAME_BYTES], const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz");

	if (len == 0 || len > DRIVE_NOTE_NAME_MAX || name[len] != '\0')
		return EC_EINVAL;
	snprintf(out, NAME_BYTES, "%s.note", name);
	return EC_OK;
}

enum err
local_note_put(struct drive *d, const char *name, const void *text, size_t len)
{
	struct local *l = (struct local *)d;
	char file[NAME_BYTES];
	enum err e;

	if (len > DRIVE_NOTE_BYTES_MAX)
		return EC_ELIMIT;
	if ((e = note_name(file, name)) != EC_OK ||
	    (e = local_there(l)) != EC_OK)
		return e;
	return io_replace(l->ec_fd, file, text, len, 0600);
}

enum err
local_note_get(struct drive *d, const char *name, struct buf *out)
{
	struct local *l = (struct local *)d;
	char file[NAME_BYTES], *text = NULL;
	size_t len;
	enum err e;

	if ((e = note_name(file, name)) != EC_OK ||
	    (e = local_there(l)) != EC_OK ||
	    (e = io_slurp(l->ec_fd, file, DRIVE_NOTE_BYTES_MAX, &text,
	    &len)) != EC_OK)
		return e;
	e = buf_add(out, text, len);
	free(text);
	return e;
}
