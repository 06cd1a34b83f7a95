/* Amendments: the metadata of a version changes, nothing else does, and it is
 * kept like any other record while drives go and come. */
#include <string.h>

#include "../lib/rig.h"
#include "../lib/tap.h"
#include "base/clock.h"
#include "set/amend.h"
#include "set/delete.h"
#include "set/get.h"
#include "set/heal.h"

enum { DRIVES = 6, PARITY = 2, SMALL = 1000, LARGE = 3 * 1024 * 1024 };

static struct rig rig;

#define is_err(got, want) tap_is_u64(got, want, "%s", #got)
#define is_str(got, want) tap_is_str(got, want, "%s", #got)

static enum err
amend(const char *key, const struct stamp *version, const char *text)
{
	struct object o = OBJECT_INIT;
	enum err e;

	e = get_open(NULL, &o, rig.set, "bucket", key, version);
	if (e == EC_OK && (e = record_meta_set(&o.meta, "note", text,
	    strlen(text))) == EC_OK)
		e = amend_version(rig.set, &o);
	object_release(&o);
	return e;
}

/* The note of a version, "" if it has none, or the error's name. */
static const char *
note(const char *key, const struct stamp *version)
{
	static char text[64];
	struct object o = OBJECT_INIT;
	const uint8_t *value;
	size_t len = 0;
	enum err e;

	e = get_open(NULL, &o, rig.set, "bucket", key, version);
	value = record_meta_get(o.meta.data, o.meta.len, "note", &len);
	if (e != EC_OK)
		strcpy(text, err_name(e));
	else if (value == NULL || len >= sizeof(text))
		text[0] = '\0';
	else
		memcpy(text, value, len);
	if (e == EC_OK && value != NULL && len < sizeof(text))
		text[len] = '\0';
	object_release(&o);
	return text;
}

static void
versions(void)
{
	struct stamp v1, v2;

	is_err(rig_put(&rig, "k", SMALL, 1, false, &v1), EC_OK);
	is_err(rig_put(&rig, "k", LARGE, 2, false, &v2), EC_OK);
	is_err(amend("k", &v1, "one"), EC_OK);
	is_str(note("k", &v1), "one");
	is_str(note("k", NULL), "");
	is_err(amend("k", NULL, "two"), EC_OK);
	is_err(amend("k", NULL, "three"), EC_OK);
	is_str(note("k", NULL), "three");
	is_str(note("k", &v1), "one");
	is_err(rig_get(&rig, "k", &v1, SMALL, 1), EC_OK);
	is_err(rig_get(&rig, "k", NULL, LARGE, 2), EC_OK);

	is_err(delete_version(rig.set, "bucket", "k", &v2, NULL), EC_OK);
	is_str(note("k", NULL), "one");
	is_err(rig_get(&rig, "k", NULL, SMALL, 1), EC_OK);
	is_err(delete_version(rig.set, "bucket", "k", &v1, NULL), EC_OK);
	is_str(note("k", &v1), err_name(EC_ENOTFOUND));
}

static void
null_versions(void)
{
	struct stamp v;

	is_err(rig_put(&rig, "n", SMALL, 1, true, &v), EC_OK);
	is_err(amend("n", NULL, "old"), EC_OK);
	is_str(note("n", &get_null_version), "old");
	is_err(rig_put(&rig, "n", SMALL, 2, true, &v), EC_OK);
	is_str(note("n", NULL), "");
	is_err(rig_get(&rig, "n", NULL, SMALL, 2), EC_OK);
	is_err(amend("n", NULL, "new"), EC_OK);
	is_err(delete_null(rig.set, "bucket", "n"), EC_OK);
	is_str(note("n", NULL), err_name(EC_ENOTFOUND));
}

/* Another heal may just be at work, and a drive just be coming back. */
static void
heal(const char *key)
{
	uint64_t end = clock_mono_us() + UINT64_C(60) * 1000000;
	enum err e;

	do {
		e = heal_key(rig.set, "bucket", key, NULL, 0, NULL);
	} while (e != EC_OK && clock_mono_us() < end);
	is_err(e, EC_OK);
}

/* Two drives miss an amendment; then they and four others have it in turn. */
static void
drives_away(void)
{
	struct stamp v;

	is_err(rig_put(&rig, "d", LARGE, 3, false, &v), EC_OK);
	is_err(amend("d", NULL, "before"), EC_OK);
	rig_detach(&rig, 0);
	rig_detach(&rig, 1);
	is_str(note("d", NULL), "before");
	is_err(amend("d", NULL, "after"), EC_OK);
	rig_attach(&rig, 0);
	rig_attach(&rig, 1);
	is_str(note("d", NULL), "after");
	heal("d");
	rig_detach(&rig, 4);
	rig_detach(&rig, 5);
	is_str(note("d", NULL), "after");
	is_err(rig_get(&rig, "d", NULL, LARGE, 3), EC_OK);
	rig_attach(&rig, 4);
	rig_attach(&rig, 5);
	rig_replace(&rig, 2);
	heal("d");
	rig_detach(&rig, 0);
	rig_detach(&rig, 1);
	is_str(note("d", NULL), "after");
	rig_attach(&rig, 0);
	rig_attach(&rig, 1);
}

int
main(void)
{
	rig_init(&rig, DRIVES, PARITY);
	versions();
	null_versions();
	drives_away();
	rig_release(&rig);
	return tap_done();
}
