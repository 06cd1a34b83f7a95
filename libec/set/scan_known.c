/* scan_known: of the heal queue only what names something; what stands for all
 * of a set is for a whole scan, and a drive that is not filled is a finding of
 * its own. */
#include <stdlib.h>
#include <string.h>

#include "set/filling.h"
#include "set/heal_queue.h"
#include "set/scan_impl.h"

enum { QUEUE_PAGE = 256 };

static bool
is_wanted(const struct scan *sc, const struct heal_item *item)
{
	const struct scan_params *p = sc->p;

	if (item->bucket[0] == '\0' || item->since_us < p->since_us ||
	    (p->bucket != NULL && strcmp(p->bucket, item->bucket) != 0))
		return false;
	return p->prefix == NULL ||
	    strncmp(item->key, p->prefix, strlen(p->prefix)) == 0;
}

/* A key may stand for its uploads, too. */
static enum err
known_item(struct scan *sc, const struct heal_item *item, bool *buckets)
{
	const struct heal_watch watch = scan_watch(sc);
	enum err e;

	if (!is_wanted(sc, item))
		return EC_OK;
	if (item->key[0] == '\0') {
		*buckets = true;
		return EC_OK;
	}
	if ((e = scan_twice(sc, item->bucket, item->key)) != EC_OK)
		return e;
	heal_uploads(sc->set, item->bucket, item->key, scan_flags(sc), &watch);
	return scan_pace(sc);
}

enum err
scan_known(struct scan *sc)
{
	const struct heal_watch watch = scan_watch(sc);
	struct stamp after = { 0, 0 };
	struct heal_item *item;
	bool buckets = false;
	unsigned n = 1;
	enum err e = filling_look(sc->set, NULL);

	while (n > 0 && e == EC_OK) {
		e = heal_queue_list(sc->set, &after, QUEUE_PAGE, &item, &n);
		for (unsigned i = 0; e == EC_OK && i < n; i++) {
			after = item[i].noted;
			e = known_item(sc, &item[i], &buckets);
		}
		free(item);
	}
	if (e == EC_OK && buckets)
		heal_buckets(sc->set, scan_flags(sc), &watch);
	return e;
}
