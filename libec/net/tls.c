/* A new certificate is a new context; connections keep the one they began
 * with.  Sessions are resumed by tickets, of which the server keeps nothing;
 * their keys last as long as the context. */
#include "net/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

/* All have forward secrecy and authenticate what they encrypt. */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

/* What tells one state of a file from another. */
struct seen {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct tls {
	char *cert_path, *key_path;
	pthread_mutex_t lock;		/* guards what follows */
	SSL_CTX *ctx;
	struct seen cert, key;
};

struct tls_conn {
	SSL *ssl;
	bool failed;			/* nothing may be sent any more */
};

static void
look(struct seen *out, const char *path)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (stat(path, &st) == 0)
		*out = (struct seen){ st.st_dev, st.st_ino, st.st_size,
		    st.st_mtim };
}

static bool
same(const struct seen *a, const struct seen *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* Nobody is there to type one. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static enum err
complain(const char *path)
{
	unsigned long code = ERR_get_error();
	const char *why = ERR_reason_error_string(code);

	if (ERR_SYSTEM_ERROR(code)) {
		log_error("%s: %s", path, strerror(ERR_GET_REASON(code)));
		return err_from_errno(ERR_GET_REASON(code));
	}
	log_error("%s: %s", path, why != NULL ? why : "cannot be used");
	return EC_EINVAL;
}

static SSL_CTX *
context_new(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static enum err
context_load(SSL_CTX **out, const struct tls *t)
{
	SSL_CTX *ctx;
	enum err e = EC_OK;

	ERR_clear_error();
	if ((ctx = context_new()) == NULL)
		return EC_ENOMEM;
	if (SSL_CTX_use_certificate_chain_file(ctx, t->cert_path) != 1)
		e = complain(t->cert_path);
	else if (SSL_CTX_use_PrivateKey_file(ctx, t->key_path,
	    SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		e = complain(t->key_path);
	if (e != EC_OK) {
		SSL_CTX_free(ctx);
		return e;
	}
	*out = ctx;
	return EC_OK;
}

enum err
tls_new(struct tls **out, const char *cert_path, const char *key_path)
{
	struct tls *t;
	enum err e = EC_ENOMEM;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	look(&t->cert, cert_path);
	look(&t->key, key_path);
	if ((t->cert_path = strdup(cert_path)) == NULL ||
	    (t->key_path = strdup(key_path)) == NULL ||
	    (e = context_load(&t->ctx, t)) != EC_OK) {
		tls_free(t);
		return e;
	}
	*out = t;
	return EC_OK;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	pthread_mutex_destroy(&t->lock);
	free(t->cert_path);
	free(t->key_path);
	free(t);
}

void
tls_refresh(struct tls *t, bool force)
{
	struct seen cert, key;
	SSL_CTX *ctx = NULL;

	look(&cert, t->cert_path);
	look(&key, t->key_path);
	pthread_mutex_lock(&t->lock);
	if (!force && same(&cert, &t->cert) && same(&key, &t->key))
		goto out;
	t->cert = cert;
	t->key = key;
	if (context_load(&ctx, t) != EC_OK) {
		log_warn("%s: the certificate in use stays", t->cert_path);
		goto out;
	}
	SSL_CTX_free(t->ctx);	/* open connections have references */
	t->ctx = ctx;
	log_info("%s: certificate read", t->cert_path);
out:
	pthread_mutex_unlock(&t->lock);
}

enum err
tls_conn_new(struct tls_conn **out, struct tls *t, int fd)
{
	struct tls_conn *c;
	int flags = fcntl(fd, F_GETFL);

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return EC_ENOMEM;
	pthread_mutex_lock(&t->lock);
	c->ssl = SSL_new(t->ctx);
	pthread_mutex_unlock(&t->lock);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1 || flags == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
		tls_conn_free(c);
		return EC_ENOMEM;
	}
	SSL_set_accept_state(c->ssl);
	*out = c;
	return EC_OK;
}

void
tls_conn_free(struct tls_conn *c)
{
	if (c == NULL)
		return;
	SSL_free(c->ssl);
	free(c);
	/* Not when the thread ends: the process may end first. */
	OPENSSL_thread_stop();
}

/* What a call that gave ${r} means. */
static enum err
result(struct tls_conn *c, int r, short *events)
{
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		*events = POLLIN;
		return EC_EBUSY;
	case SSL_ERROR_WANT_WRITE:
		*events = POLLOUT;
		return EC_EBUSY;
	default:
		c->failed = true;
		return EC_EIO;
	}
}

enum err
tls_handshake(struct tls_conn *c, short *events)
{
	enum err e;
	int r;

	ERR_clear_error();
	if ((r = SSL_accept(c->ssl)) == 1)
		return EC_OK;
	e = result(c, r, events);
	if (e == EC_EIO && ERR_GET_REASON(ERR_peek_error()) ==
	    SSL_R_HTTP_REQUEST)
		e = EC_EFORMAT;
	return e;
}

enum err
tls_recv(struct tls_conn *c, void *buf, size_t max, size_t *got,
    short *events)
{
	int r;

	*got = 0;
	ERR_clear_error();
	if ((r = SSL_read_ex(c->ssl, buf, max, got)) == 1 ||
	    SSL_get_error(c->ssl, r) == SSL_ERROR_ZERO_RETURN)
		return EC_OK;
	return result(c, r, events);
}

bool
tls_pending(const struct tls_conn *c)
{
	return SSL_pending(c->ssl) > 0;
}

bool
tls_gone(struct tls_conn *c)
{
	short events;
	size_t got;
	char byte;
	int r;

	ERR_clear_error();
	r = SSL_peek_ex(c->ssl, &byte, 1, &got);
	return r != 1 && (SSL_get_error(c->ssl, r) == SSL_ERROR_ZERO_RETURN ||
	    result(c, r, &events) != EC_EBUSY);
}

enum err
tls_send(struct tls_conn *c, const void *buf, size_t len, size_t *sent,
    short *events)
{
	int r;

	*sent = 0;
	ERR_clear_error();
	if ((r = SSL_write_ex(c->ssl, buf, len, sent)) == 1)
		return EC_OK;
	return result(c, r, events);
}

void
tls_end(struct tls_conn *c)
{
	if (c->failed)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(c->ssl);	/* the client's own need not come */
}
