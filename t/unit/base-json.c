/* JSON lines: commas, nesting, escapes. */
#include <string.h>

#include "../lib/tap.h"
#include "base/json.h"

static void
string_is(const char *value, const char *want)
{
	struct buf b = BUF_INIT(1024);

	json_open(&b, NULL);
	json_str(&b, "s", value);
	json_close(&b);
	tap_ok(strcmp(buf_str(&b), want) == 0, "%s", want);
	buf_release(&b);
}

int
main(void)
{
	struct buf b = BUF_INIT(1024), small = BUF_INIT(4);

	json_open(&b, NULL);
	json_str(&b, "a", "x");
	json_u64(&b, "b", UINT64_MAX);
	json_i64(&b, "c", -1);
	json_list(&b, "d");
	json_str(&b, NULL, "p");
	json_str(&b, NULL, "q");
	json_list_end(&b);
	json_open(&b, "e");
	json_bool(&b, "f", true);
	json_close(&b);
	json_close(&b);
	tap_ok(strcmp(buf_str(&b), "{\"a\":\"x\",\"b\":18446744073709551615,"
	    "\"c\":-1,\"d\":[\"p\",\"q\"],\"e\":{\"f\":true}}") == 0,
	    "members, an array and an object");
	string_is("a\"b\\c\n", "{\"s\":\"a\\\"b\\\\c\\u000a\"}");
	string_is("\xc3\xa9\xf0\x9f\x92\xbe",
	    "{\"s\":\"\xc3\xa9\xf0\x9f\x92\xbe\"}");
	string_is("\xff.\xc0\xaf.\xed\xa0\x80",
	    "{\"s\":\"\xef\xbf\xbd.\xef\xbf\xbd\xef\xbf\xbd."
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
	json_open(&small, NULL);
	tap_ok(json_str(&small, "name", "value") == EC_ELIMIT,
	    "the buffer's ceiling is passed on");
	buf_release(&small);
	buf_release(&b);
	return tap_done();
}
