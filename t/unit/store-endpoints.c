/* Patterns of drive names: what they expand to and what is refused. */
#include <string.h>

#include "../lib/tap.h"
#include "base/log.h"
#include "store/endpoints.h"

static void
expands(const char *words, unsigned count, unsigned set_size,
    const char *first, const char *last)
{
	struct endpoints e = ENDPOINTS_INIT;
	enum err err = endpoints_parse(&e, &words, 1);

	tap_ok(err == EC_OK && e.count == count && e.set_size == set_size &&
	    strcmp(e.path[0], first) == 0 &&
	    strcmp(e.path[count - 1], last) == 0, "%s", words);
	endpoints_release(&e);
}

static void
refuses(const char *words)
{
	struct endpoints e = ENDPOINTS_INIT;

	tap_ok(endpoints_parse(&e, &words, 1) == EC_EINVAL && e.count == 0,
	    "refused: %s", words);
	endpoints_release(&e);
}

int
main(void)
{
	log_init("store-endpoints");
	expands("/d", 1, 1, "/d", "/d");
	expands("/d{1...4}", 4, 4, "/d1", "/d4");
	expands("/d{01...12}", 12, 12, "/d01", "/d12");
	expands("/n{1...4}/d{1...4}", 16, 16, "/n1/d1", "/n4/d4");
	expands("/n{1...4}/d{0...5}", 24, 12, "/n1/d0", "/n4/d5");
	expands("/a/  /b,/c /d", 4, 4, "/a", "/d");
	expands("/d{9...10}", 2, 2, "/d9", "/d10");
	refuses("");
	refuses("d{1...4}");
	refuses("/d{4...1}");
	refuses("/d{1..4}");
	refuses("/d{1...4");
	refuses("/d}");
	refuses("/d{1...99999999}");
	refuses("/d{1...17}");	/* a prime */
	refuses("/a /a");
	refuses("/{1...9}{1...9}{1...9}{1...9}{1...9}");
	refuses("/{1...1000}/{1...1000}");
	return tap_done();
}
