/* Listening, the list of connections, and the end of all.
 *
 * A connection is idle or serving.  It says "idle" before it looks at
 * draining; stop sets draining before it looks at idle: so one of both sees
 * the other, and no idle connection is forgotten.  Ending the reading side of
 * an idle one loses nothing: bytes that had arrived are still served. */
#include "net/http_server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/http_conn.h"
#include "net/http_listen.h"

enum {
	STACK_BYTES = 1024 * 1024,
	OVER_MAX = 64,		/* connections over the cap that get a 503, or
				 * the places of others that end */
	CONNECTIONS_DEFAULT = 1024,
	IDLE_DEFAULT_S = 60,
	HEAD_DEFAULT_S = 10,
	STALL_DEFAULT_S = 30,
};

struct conn {
	struct http_exchange x;
	struct http_server *server;
	struct conn *next, *prev;
	bool ending;			/* makes place for another */
};

struct http_server {
	struct http_service service;
	struct tls *tls;
	int fd;
	int wake;			/* eventfd: stop accepting */
	unsigned port;
	unsigned connections_max, idle_s, head_s, stall_s;
	char *unix_path;		/* ours to unlink */
	pthread_t thread;
	bool started;
	bool starved;			/* the accept thread's: said so */
	atomic_bool draining;

	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t ended;		/* a connection has */
	struct conn *conns;
	unsigned count;
	unsigned ending;		/* of them */
};

static void
set_peer(struct http_exchange *x, const struct sockaddr *sa, socklen_t len)
{
	char host[46], port[8];
	const char *h = host;

	snprintf(x->peer, sizeof(x->peer), "unix");
	if (sa->sa_family == AF_UNIX || getnameinfo(sa, len, host,
	    sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV)
	    != 0)
		return;
	if (strncmp(h, "::ffff:", 7) == 0 && strchr(h, '.') != NULL)
		h += 7;
	snprintf(x->peer, sizeof(x->peer), strchr(h, ':') != NULL ?
	    "[%s]:%s" : "%s:%s", h, port);
}

static void
conn_unlink(struct conn *c)
{
	struct http_server *s = c->server;

	pthread_mutex_lock(&s->lock);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	s->ending -= c->ending;
	s->count--;
	close(c->x.fd);
	free(c);
	pthread_cond_broadcast(&s->ended);
	pthread_mutex_unlock(&s->lock);
}

static void *
conn_thread(void *arg)
{
	struct conn *c = arg;

	http_conn_run(&c->x);
	conn_unlink(c);
	return NULL;
}

static enum err
conn_spawn(struct conn *c)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (pthread_attr_init(&attr) != 0)
		return EC_ENOMEM;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	r = pthread_create(&thread, &attr, conn_thread, c);
	pthread_attr_destroy(&attr);
	return r == 0 ? EC_OK : EC_ENOMEM;
}

static void
set_socket(int fd, unsigned stall_s)
{
	const struct timeval stall = { stall_s, 0 };
	const int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* End the connection that has waited longest; false: none waits.  Called with
 * the lock. */
static bool
end_waiting(struct http_server *s)
{
	struct conn *oldest = NULL;
	uint64_t us, least = UINT64_MAX;

	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if ((us = atomic_load(&c->x.waits_us)) != 0 && us <= least) {
			least = us;
			oldest = c;
		}
	/* Else it has just become one that is served. */
	if (oldest == NULL || !atomic_compare_exchange_strong(
	    &oldest->x.waits_us, &least, 0))
		return false;
	shutdown(oldest->x.fd, SHUT_RDWR);
	oldest->ending = true;
	s->ending++;
	return true;
}

/* A place for one more; false: close it at once.  *${refuse}: it gets 503. */
static bool
make_place(struct http_server *s, bool *refuse)
{
	bool place;

	pthread_mutex_lock(&s->lock);
	*refuse = s->count - s->ending >= s->connections_max && !end_waiting(s);
	while (s->count >= s->connections_max + OVER_MAX && s->ending > 0)
		pthread_cond_wait(&s->ended, &s->lock);
	place = s->count < s->connections_max + OVER_MAX;
	pthread_mutex_unlock(&s->lock);
	return place;
}

/* Takes ${fd}. */
static void
conn_start(struct http_server *s, int fd, const struct sockaddr *sa,
    socklen_t len)
{
	struct conn *c;
	bool refuse;

	if (!make_place(s, &refuse) || (c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return;
	}
	c->server = s;
	c->x = (struct http_exchange){ .fd = fd, .tls_with = s->tls,
	    .service = &s->service, .draining = &s->draining,
	    .idle_ms = s->idle_s * 1000,
	    .head_ms = s->head_s * 1000, .stall_ms = s->stall_s * 1000,
	    .refuse = refuse, .waits_us = clock_mono_us(),
	    .scan = HTTP_SCAN_INIT,
	    .chunks = HTTP_CHUNKS_INIT, .fields = BUF_INIT(HTTP_FIELDS_MAX),
	    .out = BUF_INIT(HTTP_FIELDS_MAX + 1024) };
	set_peer(&c->x, sa, len);
	set_socket(fd, s->stall_s);
	pthread_mutex_lock(&s->lock);
	c->next = s->conns;
	if (c->next != NULL)
		c->next->prev = c;
	s->conns = c;
	s->count++;
	pthread_mutex_unlock(&s->lock);
	if (conn_spawn(c) != EC_OK) {
		log_error("http: no thread for %s", c->x.peer);
		conn_unlink(c);
	}
}

/* Out of descriptors or memory: connections wait in the queue meanwhile. */
static void
accept_later(struct http_server *s)
{
	if (!s->starved)
		log_error("http: accept: %s", strerror(errno));
	s->starved = true;
	poll(NULL, 0, 50);
}

static void
accept_all(struct http_server *s)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	for (;;) {
		len = sizeof(ss);
		fd = accept4(s->fd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC);
		if (fd >= 0) {
			conn_start(s, fd, (struct sockaddr *)&ss, len);
			s->starved = false;
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			accept_later(s);
		return;
	}
}

static void *
accept_thread(void *arg)
{
	struct http_server *s = arg;
	struct pollfd p[2] = { { s->fd, POLLIN, 0 }, { s->wake, POLLIN, 0 } };

	while (!atomic_load(&s->draining))
		if (poll(p, 2, -1) > 0 && p[0].revents != 0)
			accept_all(s);
	return NULL;
}

static enum err
start_listening(struct http_server *s, const struct http_listen *l)
{
	enum err e;

	if ((e = http_listen_open(&s->fd, &s->port, l)) != EC_OK)
		return e;
	if (l->fd < 0 && l->unix_path != NULL &&
	    (s->unix_path = strdup(l->unix_path)) == NULL) {
		unlink(l->unix_path);
		return EC_ENOMEM;
	}
	if ((s->wake = eventfd(0, EFD_CLOEXEC)) == -1)
		return err_from_errno(errno);
	return EC_OK;
}

/* Connection threads inherit this mask: signals are for the main thread. */
static enum err
start_thread(struct http_server *s)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&s->thread, NULL, accept_thread, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->started = r == 0;
	return r == 0 ? EC_OK : EC_ENOMEM;
}

static enum err
server_new(struct http_server **out, const struct http_listen *l,
    const struct http_service *service)
{
	struct http_server *s;
	pthread_condattr_t attr;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return EC_ENOMEM;
	s->service = *service;
	s->tls = l->tls;
	s->fd = s->wake = -1;
	s->connections_max = l->connections_max != 0 ? l->connections_max :
	    CONNECTIONS_DEFAULT;
	s->idle_s = l->idle_s != 0 ? l->idle_s : IDLE_DEFAULT_S;
	s->head_s = l->head_s != 0 ? l->head_s : HEAD_DEFAULT_S;
	s->stall_s = l->stall_s != 0 ? l->stall_s : STALL_DEFAULT_S;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->ended, &attr);
	pthread_condattr_destroy(&attr);
	*out = s;
	return EC_OK;
}

/* A connection is a descriptor, and what serves it needs a few.  The soft limit
 * guards programs that use select, which this is not. */
static void
raise_files(unsigned connections)
{
	const rlim_t want = (rlim_t)connections * 4 + 1024;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur >= want)
		return;
	r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
	setrlimit(RLIMIT_NOFILE, &r);
}

enum err
http_server_start(struct http_server **out, const struct http_listen *l,
    const struct http_service *service)
{
	struct http_server *s;
	enum err e;

	if ((e = server_new(&s, l, service)) != EC_OK)
		return e;
	raise_files(s->connections_max);
	if ((e = start_listening(s, l)) != EC_OK ||
	    (e = start_thread(s)) != EC_OK) {
		log_error("http: %s: %s", l->unix_path != NULL ? l->unix_path :
		    l->fd >= 0 ? "socket" : l->address, err_text(e));
		http_server_stop(s, 0);
		return e;
	}
	*out = s;
	return EC_OK;
}

unsigned
http_server_port(const struct http_server *s)
{
	return s->port;
}

unsigned
http_server_connections(struct http_server *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->count;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void
stop_accepting(struct http_server *s)
{
	const uint64_t one = 1;

	atomic_store(&s->draining, true);
	if (s->started) {
		while (write(s->wake, &one, sizeof(one)) == -1 &&
		    errno == EINTR)
			;
		pthread_join(s->thread, NULL);
	}
	if (s->fd != -1)
		close(s->fd);
	if (s->wake != -1)
		close(s->wake);
	if (s->unix_path != NULL)
		unlink(s->unix_path);
}

/* Called with the lock. */
static void
shut_connections(struct http_server *s, bool idle_only, int how)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (!idle_only || atomic_load(&c->x.idle))
			shutdown(c->x.fd, how);
}

void
http_server_stop(struct http_server *s, unsigned grace_ms)
{
	struct timespec until;
	uint64_t us;

	if (s == NULL)
		return;
	stop_accepting(s);
	us = clock_mono_us() + grace_ms * 1000ull;
	until.tv_sec = (time_t)(us / 1000000);
	until.tv_nsec = (long)(us % 1000000) * 1000;
	pthread_mutex_lock(&s->lock);
	shut_connections(s, true, SHUT_RD);
	while (s->count > 0 &&
	    pthread_cond_timedwait(&s->ended, &s->lock, &until) == 0)
		;
	shut_connections(s, false, SHUT_RDWR);
	while (s->count > 0)
		pthread_cond_wait(&s->ended, &s->lock);
	pthread_mutex_unlock(&s->lock);
	pthread_cond_destroy(&s->ended);
	pthread_mutex_destroy(&s->lock);
	free(s->unix_path);
	free(s);
}
