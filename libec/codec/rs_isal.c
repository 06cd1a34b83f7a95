#include <isa-l.h>

#include "codec/rs_kernel.h"

static void
prepare(uint8_t *tables, const uint8_t *coefficients, unsigned k,
    unsigned rows)
{
	/* isa-l reads only, but its prototypes lack the const. */
	ec_init_tables((int)k, (int)rows,
	    (unsigned char *)(uintptr_t)coefficients, tables);
}

static void
multiply(const uint8_t *tables, uint8_t *const src[], unsigned k,
    uint8_t *const dst[], unsigned rows, size_t len)
{
	ec_encode_data((int)len, (int)k, (int)rows,
	    (unsigned char *)(uintptr_t)tables,
	    (unsigned char **)(uintptr_t)src, (unsigned char **)(uintptr_t)dst);
}

static bool
usable(void)
{
	return true;
}

const struct rs_kernel rs_isal = { "isa-l", usable, prepare, multiply };

/* isa-l does not say what it dispatches to; it goes by the same CPU flags. */
const char *
rs_isal_set(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512dq"))
		return "isa-l avx512";
	if (__builtin_cpu_supports("avx2"))
		return "isa-l avx2";
	if (__builtin_cpu_supports("sse4.1"))
		return "isa-l sse4.1";
#elif defined(__aarch64__)
	return "isa-l neon";
#endif
	return "isa-l portable";
}

#define TEXT(x) #x
#define VERSION_TEXT(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *
rs_isal_version(void)
{
#if defined(ISAL_MAJOR_VERSION)
	return VERSION_TEXT(ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION,
	    ISAL_PATCH_VERSION);
#else
	return "of unknown version";
#endif
}
