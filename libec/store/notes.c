/* notes: see the header. */
#include "store/notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct note {		/* the argument of a call */
	char name[DRIVE_NOTE_NAME_MAX + 1];
	bool put;
	struct buf text;
};

static enum err
note_run(struct drive *d, void *arg)
{
	struct note *n = arg;
	enum err e;

	if (n->put)
		return d->ops->note_put(d, n->name, n->text.data, n->text.len);
	e = d->ops->note_get(d, n->name, &n->text);
	return e == EC_ENOTFOUND ? EC_OK : e;
}

static void
note_drop(void *arg)
{
	struct note *n = arg;

	buf_release(&n->text);
	free(n);
}

static enum err
note_start(struct lane *l, struct gather *g, const char *name,
    const char *text, size_t len, struct lane_call **out)
{
	struct note *n = calloc(1, sizeof *n);
	enum err e;

	if (n == NULL)
		return EC_ENOMEM;
	n->text = (struct buf)BUF_INIT(DRIVE_NOTE_BYTES_MAX);
	snprintf(n->name, sizeof n->name, "%s", name);
	n->put = text != NULL;
	if (n->put && (e = buf_add(&n->text, text, len)) != EC_OK) {
		note_drop(n);
		return e;
	}
	return lane_start(l, g, note_run, note_drop, n, out);
}

/* The same on all drives at once; ${text} NULL: get. */
static enum err
notes_all(struct store *st, const char *name, const char *text, size_t len,
    void (*each)(void *ctx, const char *text, size_t len), void *ctx)
{
	unsigned drives = store_drive_count(st), n = 0, done = 0;
	struct lane_call **call = mem_array(drives, sizeof(struct lane_call *));
	struct gather *g = NULL;
	enum err e = EC_ENOMEM, one;

	if (call == NULL || (e = gather_new(&g)) != EC_OK)
		goto out;
	for (unsigned i = 0; i < store_sets(st); i++) {
		struct set *s = store_set(st, i);

		for (unsigned j = 0; j < set_drives(s) && e == EC_OK; j++)
			e = note_start(set_lane(s, j), g, name, text, len,
			    &call[n++]);
	}
	gather_wait(g, drives, clock_mono_us() + SET_WAIT_MS * UINT64_C(1000));
	for (unsigned i = 0; i < drives && e == EC_OK; i++) {
		const struct note *got;

		if (!lane_call_done(call[i], &one) || one != EC_OK)
			continue;
		done++;
		got = lane_call_arg(call[i]);
		if (each != NULL && got->text.len > 0)
			each(ctx, (const char *)got->text.data,
			    got->text.len);
	}
	if (e == EC_OK && done == 0)
		e = EC_EQUORUM;
out:
	for (unsigned i = 0; call != NULL && i < drives; i++)
		lane_call_put(call[i]);
	free(call);
	gather_free(g);
	return e;
}

enum err
notes_put(struct store *st, const char *name, const char *text, size_t len)
{
	return notes_all(st, name, text, len, NULL, NULL);
}

enum err
notes_get(struct store *st, const char *name,
    void (*each)(void *ctx, const char *text, size_t len), void *ctx)
{
	return notes_all(st, name, NULL, 0, each, ctx);
}
