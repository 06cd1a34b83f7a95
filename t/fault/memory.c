/* memory: calls for it, and maps of files. */
#include "fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MMAP_WRAP(name, off_type) \
EXPORT void * \
name(void *p, size_t len, int prot, int flags, int fd, off_type off) \
{ \
	if (fault_meet(fd < 0 ? MEMORY : MMAP, fd, NULL) == FAIL) \
		return MAP_FAILED; \
	return REAL(name)(p, len, prot, flags, fd, off); \
}
MMAP_WRAP(mmap, off_t)
MMAP_WRAP(mmap64, off64_t)

#ifndef FAULT_NO_MALLOC
/* dlsym allocates: what it takes while it looks for the allocator comes from
 * here and is never given back. */
static _Alignas(max_align_t) uint8_t early[4096];
static atomic_size_t early_used;
static __thread bool resolving;

static void *
early_alloc(size_t len)
{
	size_t at = atomic_fetch_add(&early_used, (len + 15) / 16 * 16);

	if (at + len > sizeof(early))
		abort();
	return early + at;
}

static bool
is_early(const void *p)
{
	return (uintptr_t)p - (uintptr_t)early < sizeof(early);
}

#define RESOLVE(fn) do { \
	if (fn == NULL) { \
		resolving = true; \
		fn = REAL_OF(fn); \
		resolving = false; \
	} \
} while (0)
#define REAL_OF(fn) (__typeof__(fn))dlsym(RTLD_NEXT, #fn + 5)

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void (*real_free)(void *);

EXPORT void *
malloc(size_t len)
{
	if (resolving)
		return early_alloc(len);
	RESOLVE(real_malloc);
	return fault_meet(MEMORY, -1, NULL) == FAIL ? NULL : real_malloc(len);
}

EXPORT void *
calloc(size_t n, size_t size)
{
	if (resolving)
		return early_alloc(n * size);
	RESOLVE(real_calloc);
	return fault_meet(MEMORY, -1, NULL) == FAIL ? NULL :
	    real_calloc(n, size);
}

EXPORT void *
realloc(void *p, size_t len)
{
	void *copy;

	RESOLVE(real_realloc);
	if (fault_meet(MEMORY, -1, NULL) == FAIL)
		return NULL;
	if (!is_early(p))
		return real_realloc(p, len);
	if ((copy = malloc(len)) != NULL)
		memcpy(copy, p, len < sizeof(early) -
		    ((size_t)((uint8_t *)p - early)) ? len : sizeof(early) -
		    ((size_t)((uint8_t *)p - early)));
	return copy;
}

EXPORT void *
aligned_alloc(size_t align, size_t len)
{
	RESOLVE(real_aligned_alloc);
	return fault_meet(MEMORY, -1, NULL) == FAIL ? NULL :
	    real_aligned_alloc(align, len);
}

EXPORT int
posix_memalign(void **out, size_t align, size_t len)
{
	RESOLVE(real_posix_memalign);
	return fault_meet(MEMORY, -1, NULL) == FAIL ? ENOMEM :
	    real_posix_memalign(out, align, len);
}

EXPORT char *
strdup(const char *s)
{
	size_t len = strlen(s) + 1;
	char *copy;

	RESOLVE(real_malloc);
	if (fault_meet(MEMORY, -1, NULL) == FAIL ||
	    (copy = real_malloc(len)) == NULL)
		return NULL;
	return memcpy(copy, s, len);
}

EXPORT void
free(void *p)
{
	if (is_early(p))
		return;
	RESOLVE(real_free);
	real_free(p);
}
#endif
