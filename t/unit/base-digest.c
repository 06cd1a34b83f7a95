/* Checks of digests against RFC 1321, RFC 3174, FIPS 180-4 and RFC 4231. */
#include <stdlib.h>

#include "../lib/tap.h"
#include "base/digest.h"
#include "base/num.h"

static void
check_once(enum digest_kind kind, const char *text, const char *want)
{
	uint8_t sum[DIGEST_BYTES_MAX];
	char hex[2 * DIGEST_BYTES_MAX + 1];
	struct digest *d;
	size_t i, round;

	digest_once(kind, text, strlen(text), sum);
	num_hex(hex, sum, digest_bytes(kind));
	tap_is_str(hex, want, "digest %d of '%s'", (int)kind, text);

	if (!tap_ok(digest_new(&d, kind) == EC_OK, "new"))
		return;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < strlen(text); i++)
			digest_update(d, text + i, 1);
		digest_final(d, sum);
		num_hex(hex, sum, digest_bytes(kind));
		tap_is_str(hex, want, "byte by byte, round %zu", round);
	}
	digest_free(d);
}

static void
check_hmac(const void *key, size_t key_len, const char *text, const char *want)
{
	uint8_t sum[DIGEST_SHA256_BYTES];
	char hex[2 * sizeof(sum) + 1];

	digest_hmac_sha256(key, key_len, text, strlen(text), sum);
	num_hex(hex, sum, sizeof(sum));
	tap_is_str(hex, want, "hmac of '%s'", text);
}

/* Compares bytes of which valgrind knows that nobody set them, and complains
 * of where the program goes if that depends on them. */
static void
compare_unset(void)
{
	uint8_t *a = malloc(4096), *b = malloc(4096);
	volatile bool equal;

	__asm__ volatile("" : "+r"(a), "+r"(b) : : "memory");
	equal = digest_equal(a, b, 4096);
	(void)equal;
	free(a);
	free(b);
}

int
main(int argc, char *argv[])
{
	uint8_t aa[131];

	if (argc > 1 && strcmp(argv[1], "unset") == 0) {
		compare_unset();
		return 0;
	}

	check_once(DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e");
	check_once(DIGEST_MD5, "message digest",
	    "f96b697d7cb7938d525a2f31aaf161d0");
	check_once(DIGEST_SHA1, "abc",
	    "a9993e364706816aba3e25717850c26c9cd0d89d");
	check_once(DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	memset(aa, 0x0b, 20);
	check_hmac(aa, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7");
	check_hmac("Jefe", 4, "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(aa, 0xaa, sizeof(aa));
	check_hmac(aa, sizeof(aa), "Test Using Larger Than Block-Size Key - "
	    "Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
	tap_ok(digest_equal("abc", "abd", 2), "equal");
	tap_ok(!digest_equal("abc", "abd", 3), "not equal");
	return tap_done();
}
