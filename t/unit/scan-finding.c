/* scan-finding: findings come back from their lines; others are refused. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "store/finding.h"

/* Any key: mostly bytes that need care. */
static void
random_key(char key[RECORD_KEY_MAX + 1])
{
	static const char odd[] = "\t\n\\/{}\"\x01\x7f x-n0";
	unsigned len = 1 + (unsigned)random() % 60;

	for (unsigned i = 0; i < len; i++)
		key[i] = random() % 4 == 0 ? 'k' :
		    odd[(unsigned)random() % (sizeof odd - 1)];
	key[len] = '\0';
	if (random() % 50 == 0) {
		memset(key, '\n', RECORD_KEY_MAX);
		key[RECORD_KEY_MAX] = '\0';
	}
}

static bool
comes_back(const struct scan_finding *f, enum finding_form form)
{
	struct buf line = BUF_INIT(65536);
	const struct heal_report *r = &f->report;
	struct finding back;
	bool good;

	good = finding_format(&line, f, form) == EC_OK && line.len > 0 &&
	    line.data[line.len - 1] == (form == FINDING_NUL ? '\0' : '\n') &&
	    (form == FINDING_NUL || memchr(line.data, '\n', line.len - 1) ==
	    NULL) &&
	    finding_parse(&back, (const char *)line.data, line.len - 1,
	    form == FINDING_NUL) == EC_OK && back.what == f->what;
	if (good && f->drive != NULL)
		good = back.bucket[0] == '\0';
	else if (good)
		good = strcmp(back.bucket, r->bucket) == 0 &&
		    strcmp(back.key, r->key) == 0 &&
		    (r->key[0] != '\0' && stamp_is_zero(&r->upload) ?
		    stamp_cmp(&back.version, &r->version) == 0 :
		    stamp_is_zero(&back.version));
	buf_release(&line);
	return good;
}

static void
test_round_trip(void)
{
	enum { ROUNDS = 20000 };
	unsigned good = 0;

	srandom(1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct scan_finding f = {
			.what = (enum scan_what)(i % (SCAN_UNDECIDED + 1)),
			.text = "1 of 4 drives: /d1\tx missing",
			.report = { .bucket = "bucket" },
		};

		f.report.version = (struct stamp){ (uint64_t)random(), 5 };
		if (i % 7 != 0)
			random_key(f.report.key);
		if (i % 11 == 0)
			f.report.upload = (struct stamp){ 1, 2 };
		if (i % 13 == 0) {
			f.what = i % 2 == 0 ? SCAN_LITTER : SCAN_DRIVE;
			f.drive = "/mnt/a\tb";
		}
		good += comes_back(&f, (enum finding_form)(i % 3));
	}
	tap_is_u64(good, ROUNDS, "findings come back as they were");
}

static void
test_refused(void)
{
	static const char *const bad[] = {
		"", "\t\t\t", "degraded", "degraded\tbucket/k",
		"degraded\tbucket/k\t-", "degrade\tbucket/k\t-\tx",
		"degraded\tB!/k\t-\tx", "degraded\t/k\t-\tx",
		"degraded\tbucket/\\\t-\tx", "degraded\tbucket/\\q\t-\tx",
		"degraded\tbucket/\\x0\t-\tx", "degraded\tbucket/\\x00\t-\tx",
		"degraded\tbucket/k\tgggggggggggggggggggggggggggggggg\tx",
		"degraded\tbucket/\xff\t-\tx", "{", "{}x", "[]",
		"{\"what\":1}", "{\"what\":\"lost\"}",
		"{\"what\":\"lost\",\"bucket\":\"b\",\"key\":\"k\"}",
		"{\"what\":\"lost\",\"bucket\":\"bucket\",\"key\":\"k\"}",
	};
	struct finding f;
	char line[4096];
	unsigned refused = 0, n = sizeof bad / sizeof bad[0];

	for (unsigned i = 0; i < n; i++) {
		enum err e = finding_parse(&f, bad[i], strlen(bad[i]), false);

		refused += e == EC_EINVAL;
		if (e != EC_EINVAL)
			tap_note("%s: %s", bad[i], err_name(e));
	}
	tap_is_u64(refused, n, "what is no finding is refused");
	memset(line, 'k', sizeof line);
	memcpy(line, "degraded\tbucket/", 16);
	memcpy(line + sizeof line - 4, "\t-\tx", 4);
	tap_is_u64(finding_parse(&f, line, sizeof line, false), EC_EINVAL,
	    "so is a key that is too long");
	tap_is_u64(finding_parse(&f, "{\"type\":\"summary\"}", 18, false),
	    EC_ENOTFOUND, "a summary is none, and no fault");
}

int
main(void)
{
	test_round_trip();
	test_refused();
	return tap_done();
}
