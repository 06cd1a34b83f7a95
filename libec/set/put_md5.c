/* put_md5: see the header. */
#include "set/put_md5.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/workers.h"

enum { ALONE_BYTES = 128 * 1024 };	/* fewer are not worth a thread */

struct put_md5 {
	struct digest *digest;
	struct workers *workers;	/* one thread */
	const void *buf;
	size_t len;
	pthread_mutex_t lock;		/* guards busy */
	pthread_cond_t done;
	bool busy;			/* then digest is the thread's */
};

enum err
put_md5_new(struct put_md5 **out)
{
	struct put_md5 *m = mem_array(1, sizeof(*m));
	enum err e;

	if (m == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->done, NULL);
	if ((e = digest_new(&m->digest, DIGEST_MD5)) != EC_OK ||
	    (e = workers_new(&m->workers, 1)) != EC_OK) {
		put_md5_free(m);
		return e;
	}
	*out = m;
	return EC_OK;
}

void
put_md5_free(struct put_md5 *m)
{
	if (m == NULL)
		return;
	if (m->workers != NULL)
		workers_free(m->workers);
	digest_free(m->digest);
	pthread_cond_destroy(&m->done);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void
run(void *arg)
{
	struct put_md5 *m = arg;

	digest_update(m->digest, m->buf, m->len);
	pthread_mutex_lock(&m->lock);
	m->busy = false;
	pthread_cond_signal(&m->done);
	pthread_mutex_unlock(&m->lock);
}

void
put_md5_add(struct put_md5 *m, const void *buf, size_t len)
{
	put_md5_wait(m);
	m->buf = buf;
	m->len = len;
	m->busy = true;
	if (len < ALONE_BYTES || workers_submit(m->workers, run, m) != EC_OK)
		run(m);
}

void
put_md5_wait(struct put_md5 *m)
{
	pthread_mutex_lock(&m->lock);
	while (m->busy)
		pthread_cond_wait(&m->done, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

void
put_md5_final(struct put_md5 *m, uint8_t out[16])
{
	put_md5_wait(m);
	digest_final(m->digest, out);
}
