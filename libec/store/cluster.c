#include "store/cluster.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/cluster_impl.h"
#include "store/config.h"

enum { CONNECT_MS = 1000, LOOK_MS = 2500, FORMAT_MS = 20000 };

/* The nodes' common secret: EC_SECRET, or what S3's root has. */
static enum err
load_secret(struct cluster *c)
{
	struct buf text = BUF_INIT(4096);
	char *secret = NULL, *user = NULL, *password = NULL;
	enum err e;

	if ((e = config_get("EC_SECRET", &secret)) != EC_OK ||
	    (e = config_get("EC_ROOT_USER", &user)) != EC_OK ||
	    (e = config_get("EC_ROOT_PASSWORD", &password)) != EC_OK)
		goto out;
	e = EC_EINVAL;
	if (secret == NULL && (user == NULL || password == NULL)) {
		log_error("no secret for the nodes: set EC_SECRET_FILE, or "
		    "EC_ROOT_USER and EC_ROOT_PASSWORD, on all the same");
		goto out;
	}
	if (secret != NULL)
		e = buf_add_str(&text, secret);
	else
		e = buf_printf(&text, "ec root secret\n%s\n%s", user,
		    password);
	if (e == EC_OK && (e = peer_auth_new(&c->auth, text.data,
	    text.len)) == EC_EINVAL)
		log_error("EC_SECRET has fewer than %d bytes",
		    PEER_AUTH_SECRET_MIN);
out:
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	buf_release(&text);
	free(secret);
	free(user);
	free(password);
	return e;
}

/* Nodes that are named with "https:" are spoken to so. */
static enum err
choose_tls(struct cluster *c, const char *ca)
{
	char *set = NULL;
	enum err e;

	if (!c->endpoints.tls)
		return EC_OK;
	if (ca == NULL && (e = config_get("EC_TLS_CA", &set)) != EC_OK)
		return e;
	e = peer_auth_tls(c->auth, ca != NULL ? ca : set);
	free(set);
	return e;
}

static enum err
make_peers(struct cluster *c)
{
	enum err e;

	for (unsigned i = 0; i < c->endpoints.nodes; i++) {
		if (cluster_node_local(c, (int)i))
			continue;
		if ((e = peer_new(&c->peer[i], c->endpoints.node[i], c->auth,
		    CONNECT_MS)) != EC_OK)
			return e;
		peer_ask(c->peer[i], CLUSTER_ALIVE);
	}
	return EC_OK;
}

enum err
cluster_volumes(struct endpoints *out, const struct cluster_params *p)
{
	const char *words[1];
	char *text = NULL;
	enum err e;

	if (p->volume_count > 0)
		return endpoints_parse(out, p->volumes, p->volume_count);
	if ((e = config_get("EC_VOLUMES", &text)) != EC_OK)
		return e;
	if (text == NULL) {
		log_error("no drives named: give them as operands, in "
		    "EC_VOLUMES or in %s", config_path());
		return EC_EINVAL;
	}
	words[0] = text;
	e = endpoints_parse(out, words, 1);
	free(text);
	return e;
}

enum err
cluster_new(struct cluster **out, const struct cluster_params *p)
{
	struct cluster *c = calloc(1, sizeof(*c));
	enum err e;

	if (c == NULL)
		return EC_ENOMEM;
	pthread_mutex_init(&c->format_lock, NULL);
	c->server = p->server;
	if ((e = cluster_volumes(&c->endpoints, p)) != EC_OK ||
	    (e = cluster_find_self(c, p)) != EC_OK ||
	    (e = cluster_check_distinct(c)) != EC_OK ||
	    (c->endpoints.nodes > 0 && ((e = load_secret(c)) != EC_OK ||
	    (e = choose_tls(c, p->tls_ca)) != EC_OK)) ||
	    (e = make_peers(c)) != EC_OK ||
	    (e = drive_service_new(&c->service)) != EC_OK) {
		cluster_free(c);
		return e;
	}
	*out = c;
	return EC_OK;
}

void
cluster_free(struct cluster *c)
{
	if (c == NULL)
		return;
	drive_service_free(c->service);
	lock_service_free(atomic_load(&c->locks));
	for (unsigned i = 0; i < c->endpoints.nodes; i++)
		peer_free(c->peer[i]);
	peer_auth_free(c->auth);
	endpoints_release(&c->endpoints);
	pthread_mutex_destroy(&c->format_lock);
	free(c);
}

void
cluster_retire(struct cluster *c)
{
	for (unsigned i = 0; i < c->endpoints.nodes; i++)
		if (c->peer[i] != NULL)
			peer_retire(c->peer[i]);
}

const struct endpoints *
cluster_endpoints(const struct cluster *c)
{
	return &c->endpoints;
}

const char *
cluster_self(const struct cluster *c)
{
	return c->self >= 0 ? c->endpoints.node[c->self] : NULL;
}

bool
cluster_node_local(const struct cluster *c, int node)
{
	if (node < 0)
		return true;
	return c->server ? node == c->self : c->here[node];
}

bool
cluster_local(const struct cluster *c, unsigned endpoint)
{
	return cluster_node_local(c, c->endpoints.at[endpoint].node);
}

struct peer *
cluster_peer(struct cluster *c, unsigned endpoint)
{
	return c->peer[c->endpoints.at[endpoint].node];
}

struct peer_auth *
cluster_auth(struct cluster *c)
{
	return c->auth;
}

enum err
cluster_locks_start(struct cluster *c, const struct lock_service_params *p)
{
	struct lock_service *s = NULL;
	enum err e;

	if (atomic_load(&c->locks) != NULL)
		return EC_EEXIST;
	if ((e = lock_service_new(&s, p)) == EC_OK)
		atomic_store(&c->locks, s);
	return e;
}

struct lock_service *
cluster_locks(struct cluster *c)
{
	return atomic_load(&c->locks);
}

struct drive_service *
cluster_service(struct cluster *c)
{
	return c->service;
}

/* One node asked by one thread. */
struct look {
	struct cluster *c;
	unsigned node;
	struct node_drive *out;
	bool differs;
	pthread_t thread;
	bool started;
};

static void *
look_at_node(void *arg)
{
	struct look *l = arg;
	const struct endpoints *e = &l->c->endpoints;
	struct buf body = BUF_INIT(16), answer = BUF_INIT(NODE_MESSAGE_MAX);
	struct node_list *list = NULL;
	enum err err;

	err = peer_call(l->c->peer[l->node], CLUSTER_PATH "node/look", &body,
	    &answer, LOOK_MS, NULL);
	if (err == EC_OK)
		err = node_list_decode(&list, answer.data, answer.len);
	l->differs = err == EC_OK && node_list_sum(list) != endpoints_sum(e);
	for (unsigned i = 0; i < e->count && err == EC_OK; i++)
		if (e->at[i].node == (int)l->node && node_list_find(list,
		    e->at[i].path, &l->out[i]) != EC_OK)
			l->out[i].state = EC_EOFFLINE;
	node_list_free(list);
	buf_release(&answer);
	return NULL;
}

void
cluster_look_here(struct cluster *c, struct node_drive *out)
{
	const struct endpoints *e = &c->endpoints;

	for (unsigned i = 0; i < e->count; i++) {
		out[i] = (struct node_drive){ .state = EC_EOFFLINE };
		if (cluster_local(c, i))
			cluster_peek(c, e->at[i].path, &out[i]);
	}
}

void
cluster_look(struct cluster *c, struct node_drive *out, int *differ)
{
	struct look l[ENDPOINTS_NODES_MAX] = { { 0 } };
	const struct endpoints *e = &c->endpoints;

	if (differ != NULL)
		*differ = -1;
	cluster_look_here(c, out);
	for (unsigned i = 0; i < e->nodes; i++) {
		if (cluster_node_local(c, (int)i))
			continue;
		l[i] = (struct look){ .c = c, .node = i, .out = out };
		l[i].started = pthread_create(&l[i].thread, NULL,
		    look_at_node, &l[i]) == 0;
	}
	for (unsigned i = 0; i < e->nodes; i++) {
		if (l[i].started)
			pthread_join(l[i].thread, NULL);
		if (l[i].differs && differ != NULL && *differ < 0)
			*differ = (int)i;
	}
}

enum err
cluster_format(struct cluster *c, unsigned endpoint, const struct format *f)
{
	const struct endpoint *at = &c->endpoints.at[endpoint];
	struct buf order = BUF_INIT(NODE_MESSAGE_MAX);
	struct buf answer = BUF_INIT(4096);
	enum err e;

	if (cluster_local(c, endpoint))
		return cluster_write_format(c, at->path, f);
	if ((e = node_order_encode(&order, at->path, f)) == EC_OK)
		e = peer_call(cluster_peer(c, endpoint), CLUSTER_PATH
		    "node/format", &order, &answer, FORMAT_MS, NULL);
	buf_release(&order);
	buf_release(&answer);
	return e;
}
