/* A transfer runs on a pair of libcurl's handles, of which the multi handle
 * carries the connection along to the next.  An upload runs it bit by bit: the
 * read callback pauses the transfer when what was written is used up. */
#include "net/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/silence.h"

/* Authorities are read again after so long. */
#define CA_CACHE_S 60L

struct handle {
	CURL *easy;
	CURLM *multi;
};

struct http_client {
	char *base;
	char *unix_path;
	char *ca_path;			/* NULL: the system's */
	unsigned connect_ms;
	const char *ask_path;		/* NULL: silence is waited out */
	struct silence silence;
	pthread_mutex_t lock;		/* guards what follows */
	struct handle idle[HTTP_CLIENT_IDLE_MAX];
	unsigned idle_count;
	bool retired;			/* keep no connection any more */
	uint64_t connects;
};

/* One request under way. */
struct transfer {
	struct http_client *client;
	struct http_call *call;
	struct handle h;
	char *url;
	struct curl_slist *headers;
	size_t refusal_len;
	enum err callback_err;
	uint64_t from_us;		/* when it began to wait */
	bool done;
	enum err err;			/* when done */
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void
global_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err
http_client_new(struct http_client **out, const char *base,
    const char *unix_path, unsigned connect_ms)
{
	struct http_client *c;

	pthread_once(&global_once, global_init);
	if (strncmp(base, "http://", 7) != 0 &&
	    strncmp(base, "https://", 8) != 0)
		return EC_EINVAL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->connect_ms = connect_ms;
	if ((c->base = strdup(base)) == NULL ||
	    (unix_path != NULL && (c->unix_path = strdup(unix_path)) == NULL)) {
		http_client_free(c);
		return EC_ENOMEM;
	}
	*out = c;
	return EC_OK;
}

enum err
http_client_trust(struct http_client *c, const char *ca_path)
{
	c->ca_path = strdup(ca_path);
	return c->ca_path != NULL ? EC_OK : EC_ENOMEM;
}

void
http_client_ask(struct http_client *c, const char *path)
{
	c->ask_path = path;
}

static void
handle_close(struct handle *h)
{
	curl_easy_cleanup(h->easy);
	curl_multi_cleanup(h->multi);
}

void
http_client_retire(struct http_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->retired = true;
	while (c->idle_count > 0)
		handle_close(&c->idle[--c->idle_count]);
	pthread_mutex_unlock(&c->lock);
}

void
http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	http_client_retire(c);
	pthread_mutex_destroy(&c->lock);
	free(c->base);
	free(c->unix_path);
	free(c->ca_path);
	free(c);
}

uint64_t
http_client_connects(struct http_client *c)
{
	uint64_t n;

	pthread_mutex_lock(&c->lock);
	n = c->connects;
	pthread_mutex_unlock(&c->lock);
	return n;
}

static enum err
handle_get(struct handle *h, struct http_client *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->idle_count > 0)
		*h = c->idle[--c->idle_count];
	pthread_mutex_unlock(&c->lock);
	if (h->easy == NULL && (h->easy = curl_easy_init()) == NULL)
		return EC_ENOMEM;
	if (h->multi == NULL && (h->multi = curl_multi_init()) == NULL)
		return EC_ENOMEM;
	return EC_OK;
}

/* Give the pair back with its connection. */
static void
handle_put(struct http_client *c, struct handle h)
{
	long connects = 0;

	curl_easy_getinfo(h.easy, CURLINFO_NUM_CONNECTS, &connects);
	curl_multi_remove_handle(h.multi, h.easy);
	curl_easy_reset(h.easy);
	pthread_mutex_lock(&c->lock);
	c->connects += (uint64_t)connects;
	if (!c->retired && c->idle_count < HTTP_CLIENT_IDLE_MAX) {
		c->idle[c->idle_count++] = h;
		h = (struct handle){ NULL, NULL };
	}
	pthread_mutex_unlock(&c->lock);
	handle_close(&h);
}

static size_t
on_answer(char *buf, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct http_call *call = t->call;
	size_t len = size * n, room;
	long status = 0;

	silence_heard(&t->client->silence, clock_mono_us());
	curl_easy_getinfo(t->h.easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299) {
		room = HTTP_REFUSAL_MAX - 1 - t->refusal_len;
		room = room < len ? room : len;
		memcpy(call->refusal + t->refusal_len, buf, room);
		t->refusal_len += room;
		call->refusal[t->refusal_len] = '\0';
		return len;
	}
	if (call->write != NULL)
		t->callback_err = call->write(call->write_ctx, buf, len);
	else if (call->answer != NULL)
		t->callback_err = buf_add(call->answer, buf, len);
	return t->callback_err == EC_OK ? len : 0;
}

/* Keep the header of the answer that was asked for. */
static void
keep_header(struct transfer *t)
{
	struct http_call *call = t->call;
	struct curl_header *h;

	if (call->header_name != NULL && curl_easy_header(t->h.easy,
	    call->header_name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK &&
	    strlen(h->value) < sizeof(call->header))
		strcpy(call->header, h->value);
}

static enum err
set_headers(struct transfer *t)
{
	static const char *const none[] = { "Expect:", "Content-Type:", NULL };
	const char *const *lists[] = { none, t->call->headers };
	struct curl_slist *longer;

	for (int i = 0; i < 2; i++)
		for (const char *const *h = lists[i]; h && *h != NULL; h++) {
			longer = curl_slist_append(t->headers, *h);
			if (longer == NULL)
				return EC_ENOMEM;
			t->headers = longer;
		}
	curl_easy_setopt(t->h.easy, CURLOPT_HTTPHEADER, t->headers);
	return EC_OK;
}

static void
transfer_release(struct transfer *t)
{
	if (t->h.easy != NULL && t->h.multi != NULL)
		handle_put(t->client, t->h);
	else
		handle_close(&t->h);
	curl_slist_free_all(t->headers);
	free(t->url);
}

static void
set_options(CURL *easy, const struct http_client *c, struct transfer *t)
{
	curl_easy_setopt(easy, CURLOPT_URL, t->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
	if (c->ca_path != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_path);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, c->unix_path);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)c->connect_ms);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L * 1024);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 128L * 1024);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->call->method);
}

static enum err
transfer_init(struct transfer *t, struct http_client *c,
    struct http_call *call)
{
	enum err e;

	*t = (struct transfer){ .client = c, .call = call,
		.from_us = clock_mono_us() };
	call->status = 0;
	call->refusal[0] = '\0';
	call->header[0] = '\0';
	if ((e = handle_get(&t->h, c)) != EC_OK)
		return e;
	if (asprintf(&t->url, "%s%s", c->base, call->path) == -1) {
		t->url = NULL;
		return EC_ENOMEM;
	}
	set_options(t->h.easy, c, t);
	return set_headers(t);
}

static enum err
transfer_begin(struct transfer *t)
{
	return curl_multi_add_handle(t->h.multi, t->h.easy) == CURLM_OK ?
	    EC_OK : EC_ENOMEM;
}

/* The end of a transfer as one of our codes. */
static enum err
transfer_result(struct transfer *t, CURLcode r)
{
	double begun = 0;	/* also on a connection that was kept */
	long status = 0;

	curl_easy_getinfo(t->h.easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->h.easy, CURLINFO_PRETRANSFER_TIME, &begun);
	t->call->status = (unsigned)status;
	keep_header(t);
	if (status != 0)
		silence_heard(&t->client->silence, clock_mono_us());
	switch (r) {
	case CURLE_OK:
		return EC_OK;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_SSL_CONNECT_ERROR:
		return EC_EOFFLINE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return EC_EDENIED;
	case CURLE_OPERATION_TIMEDOUT:
		return begun > 0 ? EC_ETIMEDOUT : EC_EOFFLINE;
	case CURLE_OUT_OF_MEMORY:
		return EC_ENOMEM;
	case CURLE_WRITE_ERROR:
		return t->callback_err != EC_OK ? t->callback_err : EC_EIO;
	default:
		return EC_EIO;
	}
}

/* Do what can be done now.  Not done and ${wait}: then wait for more. */
static void
transfer_step(struct transfer *t, bool wait)
{
	CURLMsg *msg;
	int n;

	if (curl_multi_perform(t->h.multi, &n) != CURLM_OK) {
		t->done = true;
		t->err = EC_EIO;
	}
	while ((msg = curl_multi_info_read(t->h.multi, &n)) != NULL)
		if (msg->msg == CURLMSG_DONE) {
			t->done = true;
			t->err = transfer_result(t, msg->data.result);
		}
	if (!t->done && wait)
		curl_multi_poll(t->h.multi, NULL, 0, 100, NULL);
}

static bool
canceled(const struct transfer *t)
{
	return t->call->cancel != NULL && atomic_load(t->call->cancel);
}

/* Nothing is heard from there any more. */
static bool
silent(const struct transfer *t)
{
	struct http_client *c = t->client;
	struct http_call ask = { .method = "GET", .path = c->ask_path,
		.timeout_ms = SILENCE_ASK_MS, .cancel = t->call->cancel };
	uint64_t now = clock_mono_us();
	enum silence_then then;

	if (c->ask_path == NULL || strcmp(t->call->path, c->ask_path) == 0)
		return false;
	then = silence_look(&c->silence, t->from_us, now);
	if (then == SILENCE_ASK) {
		http_client_call(c, &ask);
		silence_asked(&c->silence, now, clock_mono_us());
	}
	return then == SILENCE_LEAVE;
}

static void
set_body_and_limits(CURL *easy, const struct http_call *call)
{
	if (call->timeout_ms != 0) {
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
		    (long)call->timeout_ms);
	} else {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
		    HTTP_CLIENT_STALL_MS / 1000L);
	}
	if (strcmp(call->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (strcmp(call->method, "GET") != 0) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
		    call->body != NULL ? call->body : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)call->body_len);
	}
}

enum err
http_client_call(struct http_client *c, struct http_call *call)
{
	struct transfer t;
	enum err e;

	if ((e = transfer_init(&t, c, call)) != EC_OK)
		goto out;
	set_body_and_limits(t.h.easy, call);
	if ((e = transfer_begin(&t)) != EC_OK)
		goto out;
	while (!t.done) {
		if (canceled(&t)) {
			e = EC_ECANCELED;
			goto out;
		}
		if (silent(&t)) {
			e = EC_EOFFLINE;
			goto out;
		}
		transfer_step(&t, true);
	}
	e = t.err;
out:
	transfer_release(&t);
	return e;
}

struct http_upload {
	struct transfer t;
	const uint8_t *from;	/* written and not yet taken */
	size_t left;
	bool ending;
};

static size_t
on_body(char *buf, size_t size, size_t n, void *arg)
{
	struct http_upload *u = arg;
	size_t len = size * n;

	if (u->left == 0)
		return u->ending ? 0 : CURL_READFUNC_PAUSE;
	if (len > u->left)
		len = u->left;
	memcpy(buf, u->from, len);
	u->from += len;
	u->left -= len;
	return len;
}

enum err
http_upload_start(struct http_upload **out, struct http_client *c,
    struct http_call *call)
{
	struct http_upload *u;
	enum err e;

	if ((u = calloc(1, sizeof(*u))) == NULL)
		return EC_ENOMEM;
	if ((e = transfer_init(&u->t, c, call)) != EC_OK)
		goto out;
	curl_easy_setopt(u->t.h.easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(u->t.h.easy, CURLOPT_READFUNCTION, on_body);
	curl_easy_setopt(u->t.h.easy, CURLOPT_READDATA, u);
	if ((e = transfer_begin(&u->t)) != EC_OK)
		goto out;
	*out = u;
	u = NULL;
out:
	http_upload_abort(u);
	return e;
}

enum err
http_upload_write(struct http_upload *u, const void *buf, size_t len)
{
	uint64_t moved = clock_mono_us();
	size_t before;

	u->from = buf;
	u->left = len;
	u->t.from_us = moved;
	curl_easy_pause(u->t.h.easy, CURLPAUSE_CONT);
	while (u->left > 0 && !u->t.done) {
		before = u->left;
		transfer_step(&u->t, true);
		if (u->left != before)
			moved = clock_mono_us();
		else if (clock_mono_us() - moved > HTTP_CLIENT_STALL_MS *
		    1000ull)
			return EC_ETIMEDOUT;
		if (canceled(&u->t))
			return EC_EIO;
		if (silent(&u->t))
			return EC_EOFFLINE;
	}
	if (!u->t.done)
		return EC_OK;
	return u->t.err != EC_OK ? u->t.err : EC_ECANCELED;
}

enum err
http_upload_finish(struct http_upload *u, unsigned timeout_ms)
{
	uint64_t until = clock_mono_us() + timeout_ms * 1000ull;
	bool gone = false;
	enum err e;

	u->ending = true;
	u->t.from_us = clock_mono_us();
	curl_easy_pause(u->t.h.easy, CURLPAUSE_CONT);
	while (!u->t.done && clock_mono_us() < until && !canceled(&u->t) &&
	    !(gone = silent(&u->t)))
		transfer_step(&u->t, true);
	e = u->t.done ? u->t.err : gone ? EC_EOFFLINE : EC_ETIMEDOUT;
	http_upload_abort(u);
	return e;
}

void
http_upload_abort(struct http_upload *u)
{
	if (u == NULL)
		return;
	transfer_release(&u->t);
	free(u);
}
