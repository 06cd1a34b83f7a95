/* Listings while others write, over two pools: by a model of what each key may
 * be, no key that was there all the time is missed or comes twice, none that
 * was not there comes, and all versions that were acknowledged are told.  Pages
 * of every size, delimiters and prefixes.  EC_SEED from outside. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "store_kit.h"

enum { KEYS = 120, FOLDERS = 10, WRITERS = 3, LISTERS = 3, WALKS = 50,
	WRITES_LEAST = 400, DRIVES = 4 };

static char dir[] = "/tmp/ec-list.XXXXXX";
static struct store *store;
static atomic_bool stop;
static atomic_uint missed, twice, ghosts, disorder, failed, writes;

/* A bucket: how many writes of each key began and have ended.  Each adds it and
 * takes it away in turn, but every third key is only ever overwritten. */
struct world {
	const char *bucket;
	bool versions;
	atomic_uint begun[KEYS], ended[KEYS];
};

static struct world plain = { .bucket = "plain" };
static struct world kept = { .bucket = "kept", .versions = true };

static void
key_name(char out[32], unsigned i)
{
	if (i % 4 == 0)
		snprintf(out, 32, "k%03u", i);
	else
		snprintf(out, 32, "f%u/k%03u", i % FOLDERS, i);
}

static bool
is_put(unsigned key, unsigned nth)	/* the ${nth} write, from 0 */
{
	return key % 3 == 0 || nth % 2 == 0;
}

static void
write_key(struct world *w, unsigned key)
{
	char name[32];
	enum err e;

	key_name(name, key);
	if (is_put(key, atomic_fetch_add(&w->begun[key], 1)))
		e = kit_put(store, w->bucket, name, false, NULL);
	else
		e = store_delete(store, w->bucket, name, NULL, NULL, NULL);
	if (e != EC_OK)
		atomic_fetch_add(&failed, 1);
	atomic_fetch_add(&w->ended[key], 1);
	atomic_fetch_add(&writes, 1);
}

/* Each key has one writer. */
static void *
writer(void *arg)
{
	unsigned mine = *(unsigned *)arg, seed = mine + 77, key;

	while (!atomic_load(&stop)) {
		key = (unsigned)rand_r(&seed) % (KEYS / WRITERS) * WRITERS +
		    mine;
		write_key(rand_r(&seed) % 4 == 0 ? &kept : &plain, key);
	}
	return NULL;
}

struct walk {
	struct world *w;
	struct list_params p;
	unsigned ended[KEYS], begun[KEYS], seen[KEYS], folders[FOLDERS];
	char after[32];
};

static void
take(struct walk *k, const struct list_entry *e)
{
	char name[32];
	unsigned i = 0;

	if (e->is_prefix) {
		if (sscanf(e->key, "f%u/", &i) == 1 && i < FOLDERS)
			k->folders[i]++;
		else
			atomic_fetch_add(&ghosts, 1);
		return;
	}
	sscanf(e->key + strcspn(e->key, "k"), "k%u", &i);
	key_name(name, i % KEYS);
	if (strcmp(name, e->key) != 0)
		atomic_fetch_add(&ghosts, 1);
	else
		k->seen[i % KEYS]++;
}

/* All pages.  Names come in order, and of one key the newer version first. */
static void
read_pages(struct walk *k)
{
	struct stamp last = { 0, 0 };
	struct list *l;
	bool more = true;

	while (more) {
		if (store_list(store, &k->p, &l, &more) != EC_OK) {
			atomic_fetch_add(&failed, 1);
			return;
		}
		for (unsigned i = 0; i < list_count(l); i++) {
			const struct list_entry *e = list_at(l, i);
			int c = strcmp(k->after, e->key);

			if (c > 0 || (c == 0 && (!k->p.versions ||
			    stamp_cmp(&e->version, &last) >= 0)))
				atomic_fetch_add(&disorder, 1);
			snprintf(k->after, sizeof(k->after), "%s", e->key);
			last = e->version;
			take(k, e);
		}
		list_free(l);
		k->p.after = k->after;
		k->p.after_version = last;
	}
}

static bool
wanted(const struct walk *k, const char *name)
{
	return k->p.prefix == NULL ||
	    strncmp(name, k->p.prefix, strlen(k->p.prefix)) == 0;
}

static void
check_versions(const struct walk *k)
{
	char name[32];

	for (unsigned i = 0; i < KEYS; i++) {
		key_name(name, i);
		if (!wanted(k, name))
			continue;
		if (k->seen[i] < k->ended[i])
			atomic_fetch_add(&missed, 1);
		if (k->seen[i] > atomic_load(&k->w->begun[i]))
			atomic_fetch_add(&ghosts, 1);
	}
}

static void
check_keys(const struct walk *k)
{
	bool folded = k->p.delimiter != NULL && k->p.prefix == NULL;
	bool must[FOLDERS] = { false }, may[FOLDERS] = { false };
	char name[32];

	for (unsigned i = 0; i < KEYS; i++) {
		unsigned done = k->ended[i];
		bool still = k->begun[i] == done &&
		    atomic_load(&k->w->begun[i]) == done;
		bool there = done > 0 && ((still && is_put(i, done - 1)) ||
		    i % 3 == 0);
		bool gone = still && (done == 0 || !is_put(i, done - 1));

		key_name(name, i);
		if (folded && name[0] == 'f') {
			must[i % FOLDERS] |= there;
			may[i % FOLDERS] |= !gone;
			continue;
		}
		if (!wanted(k, name))
			there = false, gone = true;
		if (there && k->seen[i] == 0)
			atomic_fetch_add(&missed, 1);
		if (gone && k->seen[i] > 0)
			atomic_fetch_add(&ghosts, 1);
		if (k->seen[i] > 1)
			atomic_fetch_add(&twice, 1);
	}
	for (unsigned i = 0; i < FOLDERS; i++) {
		if (must[i] && k->folders[i] == 0)
			atomic_fetch_add(&missed, 1);
		if (k->folders[i] > may[i])
			atomic_fetch_add(&ghosts, 1);
	}
}

static void
walk(struct world *w, unsigned *seed)
{
	static const unsigned limits[] = { 1, 2, 3, 7, 30, 1000 };
	struct walk k = { .w = w, .p = { .bucket = w->bucket,
		.versions = w->versions } };

	k.p.limit = limits[(unsigned)rand_r(seed) % 6];
	if (w->versions && k.p.limit < 7)
		k.p.limit = 7;		/* there are very many */
	if (!w->versions && rand_r(seed) % 2)
		k.p.delimiter = "/";
	if (rand_r(seed) % 3 == 0)
		k.p.prefix = "f3/";
	for (unsigned i = 0; i < KEYS; i++) {
		k.ended[i] = atomic_load(&w->ended[i]);
		k.begun[i] = atomic_load(&w->begun[i]);
	}
	read_pages(&k);
	if (w->versions)
		check_versions(&k);
	else
		check_keys(&k);
}

static void *
lister(void *arg)
{
	unsigned seed = *(unsigned *)arg;

	for (unsigned i = 0; i < WALKS || writes < WRITES_LEAST; i++)
		walk(i % 4 == 0 ? &kept : &plain, &seed);
	return NULL;
}

static enum err
keep_versions(void *ctx, struct bucket *b)
{
	(void)ctx;
	b->meta.len = 0;
	return record_meta_add(&b->meta, STORE_VERSIONING, "Enabled", 7);
}

static void
open_store(void)
{
	char pattern[2][64], drive[64];
	const char *volumes[] = { pattern[0], pattern[1] };
	struct store_params p = { .volumes = volumes, .volume_count = 2,
		.parity = -1, .create = true };

	if (mkdtemp(dir) == NULL)
		abort();
	for (unsigned i = 0; i < 2; i++) {
		snprintf(pattern[i], sizeof(pattern[i]), "%s/p%u-{1...%u}",
		    dir, i, DRIVES);
		for (unsigned d = 1; d <= DRIVES; d++) {
			snprintf(drive, sizeof(drive), "%s/p%u-%u", dir, i, d);
			if (mkdir(drive, 0700) != 0)
				abort();
		}
	}
	if (store_open(&store, &p) != EC_OK ||
	    store_bucket_create(store, "plain", NULL, 0) != EC_OK ||
	    store_bucket_create(store, "kept", NULL, 0) != EC_OK ||
	    store_bucket_update(store, "kept", keep_versions, NULL) != EC_OK)
		abort();
}

int
main(void)
{
	pthread_t writing[WRITERS], listing[LISTERS];
	unsigned mine[WRITERS], seed[LISTERS], first = 1;
	char rm[64];

	if (getenv("EC_SEED") != NULL)
		first = (unsigned)strtoul(getenv("EC_SEED"), NULL, 10);
	tap_note("seed %u", first);
	open_store();
	for (unsigned i = 0; i < KEYS; i++)
		write_key(&plain, i);
	for (unsigned i = 0; i < WRITERS; i++) {
		mine[i] = i;
		pthread_create(&writing[i], NULL, writer, &mine[i]);
	}
	for (unsigned i = 0; i < LISTERS; i++) {
		seed[i] = first + i;
		pthread_create(&listing[i], NULL, lister, &seed[i]);
	}
	for (unsigned i = 0; i < LISTERS; i++)
		pthread_join(listing[i], NULL);
	stop = true;
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writing[i], NULL);
	tap_note("%u writes while %u walks went on", (unsigned)writes,
	    LISTERS * WALKS);
	tap_is_u64(missed, 0, "nothing that was there is missed");
	tap_is_u64(twice, 0, "nothing comes twice");
	tap_is_u64(ghosts, 0, "nothing comes that was not there");
	tap_is_u64(disorder, 0, "all is in order");
	tap_is_u64(failed, 0, "nothing fails");
	store_close(store);
	snprintf(rm, sizeof(rm), "rm -rf '%s'", dir);
	return system(rm) == 0 ? tap_done() : 1;
}
