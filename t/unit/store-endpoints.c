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

	tap_ok(err == EC_OK && e.count == count &&
	    e.pool[0].set_size == set_size &&
	    strcmp(e.at[0].name, first) == 0 &&
	    strcmp(e.at[count - 1].name, last) == 0, "%s", words);
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

static void
pools(void)
{
	static const char *const words[] = { "/a{1...4}", "/b{1...6}" };
	struct endpoints e = ENDPOINTS_INIT;

	tap_ok(endpoints_parse(&e, words, 2) == EC_OK && e.pools == 2 &&
	    e.pool[0].count == 4 && e.pool[1].first == 4 &&
	    e.pool[1].count == 6 && e.pool[1].set_size == 6, "two pools");
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
	expands("http://n{1...3}:9000/d{1...4}", 12, 12, "n1:9000/d1",
	    "n3:9000/d4");
	expands("http://n{1...4}/d{1...8}", 32, 16, "n1:9000/d1",
	    "n4:9000/d8");
	expands("http://n{1...10}/d1,http://n{1...6}/d2", 16, 16, "n1:9000/d1",
	    "n6:9000/d2");
	expands("https://[fe80::1]:1/d{1...2}", 2, 2, "[fe80::1]:1/d1",
	    "[fe80::1]:1/d2");
	pools();
	refuses("");
	refuses("http://n1:9000/");
	refuses("http://n1:9000");
	refuses("http://n1:0/d");
	refuses("http://u@n1/d");
	refuses("http://n1/d1 https://n2/d1");
	refuses("http://n1/d1 /d2");
	refuses("/a{1...2} /b{1...2} /c");
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
