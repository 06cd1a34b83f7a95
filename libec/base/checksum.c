#include "base/checksum.h"

#include <isa-l/crc.h>
#include <pthread.h>

#include "base/crc64.h"

/* crc32_iscsi takes an int. */
#define CALL_MAX ((size_t)1 << 30)

static const struct crc64_kernel *crc64;
static pthread_once_t crc64_once = PTHREAD_ONCE_INIT;

uint32_t
checksum_crc32c(uint32_t crc, const void *buf, size_t len)
{
	/* isa-l reads only, but its prototype lacks the const. */
	unsigned char *p = (unsigned char *)(uintptr_t)buf;
	size_t n;

	crc = ~crc;	/* isa-l leaves both inversions to the caller */
	for (; len > 0; p += n, len -= n) {
		n = len < CALL_MAX ? len : CALL_MAX;
		crc = crc32_iscsi(p, (int)n, crc);
	}
	return ~crc;
}

uint32_t
checksum_crc32(uint32_t crc, const void *buf, size_t len)
{
	return crc32_gzip_refl(crc, buf, len);
}

static void
crc64_choose(void)
{
	for (crc64 = crc64_kernels; !crc64->usable();)
		crc64++;
}

uint64_t
checksum_crc64nvme(uint64_t crc, const void *buf, size_t len)
{
	pthread_once(&crc64_once, crc64_choose);
	return ~crc64->update(~crc, buf, len);
}

const char *
checksum_crc64nvme_kernel(void)
{
	pthread_once(&crc64_once, crc64_choose);
	return crc64->name;
}
