/* md5_stream: see the header. */
#include "base/md5_stream.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/md5_kernel.h"
#include "base/num.h"
#include "base/thread.h"

enum {
	ALONE_BYTES = 128 * 1024,	/* fewer are not worth a thread */
	TURN_BLOCKS = 1024,		/* then look for who wants to join */
	IDLE_S = 10,			/* a thread without work ends */
	STACK_BYTES = 128 * 1024,
	PER_THREAD = 2 * MD5_LANES,	/* streams, when they share threads */
};

struct md5_stream {
	uint32_t state[4];
	uint64_t bytes;			/* so far */
	uint8_t rest[MD5_BLOCK_BYTES];	/* bytes % 64 of them */
	const uint8_t *at;		/* busy: the blocks to take in */
	size_t blocks;
	bool busy;		/* guarded by lock; state is the thread's */
	pthread_cond_t done;
	struct md5_stream *next;	/* in queue */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by it: */
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct md5_stream *queue, **queue_end = &queue;
static unsigned streams, threads, active;

static const struct md5_kernel *kernel;
static unsigned processors;
static pthread_once_t once = PTHREAD_ONCE_INIT;

const uint32_t md5_sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee,
	0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa,
	0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
	0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
	0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039,
	0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

const struct md5_kernel *const md5_kernels[] = {
#if defined(__x86_64__)
	&md5_avx512, &md5_avx2,
#endif
	NULL
};
const size_t md5_kernel_count = sizeof(md5_kernels) / sizeof(md5_kernels[0]) -
    1;

static void
choose(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	processors = n > 0 ? (unsigned)n : 1;
	for (size_t i = md5_kernel_count; i-- > 0;)
		if (md5_kernels[i]->usable())
			kernel = md5_kernels[i];
}

enum err
md5_stream_new(struct md5_stream **out)
{
	struct md5_stream *s = mem_array(1, sizeof(*s));

	if (s == NULL)
		return EC_ENOMEM;
	pthread_once(&once, choose);
	digest_md5_start(s->state);
	pthread_cond_init(&s->done, NULL);
	pthread_mutex_lock(&lock);
	streams++;
	pthread_mutex_unlock(&lock);
	*out = s;
	return EC_OK;
}

void
md5_stream_free(struct md5_stream *s)
{
	if (s == NULL)
		return;
	md5_stream_wait(s);
	pthread_mutex_lock(&lock);
	streams--;
	pthread_mutex_unlock(&lock);
	pthread_cond_destroy(&s->done);
	free(s);
}

/* How many threads may be at work. */
static unsigned
threads_max(void)
{
	return streams <= processors ? streams : 1 + streams / PER_THREAD;
}

/* ${blocks} of each, together if that pays. */
static void
turn(struct md5_stream *const s[], unsigned n, size_t blocks)
{
	struct md5_lanes l;

	if (kernel == NULL || n < kernel->worth) {
		for (unsigned i = 0; i < n; i++)
			digest_md5_blocks(s[i]->state, s[i]->at, blocks);
		return;
	}
	for (unsigned i = 0; i < MD5_LANES; i++) {
		const struct md5_stream *from = s[i < n ? i : 0];

		l.in[i] = from->at;
		for (unsigned w = 0; w < 4; w++)
			l.state[w][i] = from->state[w];
	}
	kernel->run(&l, n, blocks);
	for (unsigned i = 0; i < n; i++)
		for (unsigned w = 0; w < 4; w++)
			s[i]->state[w] = l.state[w][i];
}

/* Fill up from the queue; the mutex is held. */
static unsigned
take(struct md5_stream *s[], unsigned n)
{
	while (n < MD5_LANES && queue != NULL) {
		s[n++] = queue;
		if ((queue = queue->next) == NULL)
			queue_end = &queue;
	}
	return n;
}

/* Those that have more to do; the mutex is held. */
static unsigned
keep_busy(struct md5_stream *s[], unsigned n)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		if (s[i]->blocks > 0) {
			s[left++] = s[i];
			continue;
		}
		s[i]->busy = false;
		pthread_cond_signal(&s[i]->done);
	}
	return left;
}

/* Until nothing is left; the mutex is held before and after. */
static void
run_all(void)
{
	struct md5_stream *s[MD5_LANES];
	unsigned n = 0;

	while ((n = take(s, n)) > 0) {
		size_t blocks = TURN_BLOCKS;

		pthread_mutex_unlock(&lock);
		for (unsigned i = 0; i < n; i++)
			blocks = (size_t)num_min(blocks, s[i]->blocks);
		turn(s, n, blocks);
		for (unsigned i = 0; i < n; i++) {
			s[i]->at += blocks * MD5_BLOCK_BYTES;
			s[i]->blocks -= blocks;
		}
		pthread_mutex_lock(&lock);
		n = keep_busy(s, n);
	}
}

static void *
thread_main(void *arg)
{
	struct timespec until;
	int timed_out = 0;

	(void)arg;
	pthread_mutex_lock(&lock);
	while (timed_out == 0) {
		if (queue != NULL && active < threads_max()) {
			active++;
			run_all();
			active--;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += IDLE_S;
		while (timed_out == 0 && (queue == NULL ||
		    active >= threads_max()))
			timed_out = pthread_cond_timedwait(&work, &lock,
			    &until);
	}
	threads--;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static bool
worker_start(void)
{
	bool good = thread_start(thread_main, NULL, STACK_BYTES);

	threads += good;
	return good;
}

/* Queue it; false: there is no thread that could come to it. */
static bool
hand_over(struct md5_stream *s)
{
	bool good = true;

	pthread_mutex_lock(&lock);
	if (threads < threads_max() && threads == active)
		good = worker_start() || threads > 0;
	if (good) {
		s->busy = true;
		s->next = NULL;
		*queue_end = s;
		queue_end = &s->next;
		pthread_cond_signal(&work);
	}
	pthread_mutex_unlock(&lock);
	return good;
}

void
md5_stream_add(struct md5_stream *s, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t have, n;

	md5_stream_wait(s);
	have = s->bytes % MD5_BLOCK_BYTES;
	s->bytes += len;
	if (have > 0) {
		n = (size_t)num_min(len, MD5_BLOCK_BYTES - have);
		memcpy(s->rest + have, p, n);
		p += n;
		len -= n;
		if (have + n < MD5_BLOCK_BYTES)
			return;
		digest_md5_blocks(s->state, s->rest, 1);
	}
	s->at = p;
	s->blocks = len / MD5_BLOCK_BYTES;
	n = len % MD5_BLOCK_BYTES;
	memcpy(s->rest, p + (len - n), n);
	if (len < ALONE_BYTES || !hand_over(s))
		digest_md5_blocks(s->state, s->at, s->blocks);
}

void
md5_stream_wait(struct md5_stream *s)
{
	pthread_mutex_lock(&lock);
	while (s->busy)
		pthread_cond_wait(&s->done, &lock);
	pthread_mutex_unlock(&lock);
}

void
md5_stream_final(struct md5_stream *s, uint8_t out[16])
{
	static const uint8_t pad[MD5_BLOCK_BYTES] = { 0x80 };
	uint64_t bits = s->bytes * 8;
	uint8_t length[8];
	size_t have = s->bytes % MD5_BLOCK_BYTES;

	le64_put(length, bits);
	md5_stream_add(s, pad, (have < 56 ? 56 : 120) - have);
	md5_stream_add(s, length, sizeof(length));
	for (unsigned i = 0; i < 4; i++)
		le32_put(out + 4 * i, s->state[i]);
}
