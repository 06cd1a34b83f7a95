/* What a node does for others: it says what its drives are, writes format
 * records on them, and serves them. */
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "drive/local.h"
#include "store/cluster_impl.h"

enum { PATH_BYTES_MAX = 4096 };

/* A directory that is, or (not ${root}) is not on the root file system. */
static bool
is_on_root(const char *path, bool root)
{
	struct stat r, st;

	return stat("/", &r) == 0 && stat(path, &st) == 0 &&
	    (st.st_dev == r.st_dev) == root;
}

bool
cluster_unmounted(const struct cluster *c, const char *path)
{
	const struct endpoints *e = &c->endpoints;

	if (!is_on_root(path, true))
		return false;
	for (unsigned i = 0; i < e->count; i++)
		if (cluster_local(c, i) && is_on_root(e->at[i].path, false))
			return true;
	return false;
}

void
cluster_peek(const struct cluster *c, const char *path, struct node_drive *out)
{
	out->state = local_peek(&out->format, path);
	out->begun = out->state == EC_OK && out->format.generation == 0;
	if (out->begun)
		out->state = EC_ENOTFOUND;
	else if (out->state == EC_ENOTFOUND && cluster_unmounted(c, path))
		out->state = EC_EOFFLINE;
}

/* A disk that is not mounted leaves its mount point: say so, once. */
static void
warn_root(struct cluster *c, const char *path)
{
	if (c->self < 0 || c->warned || !is_on_root(path, true))
		return;
	c->warned = true;
	log_warn("%s: is on the root file system: is its disk mounted?", path);
}

enum err
cluster_write_format(struct cluster *c, const char *path,
    const struct format *f)
{
	struct node_drive d;
	enum err e;

	pthread_mutex_lock(&c->format_lock);
	cluster_peek(c, path, &d);
	if (d.state == EC_ENOTFOUND && !d.begun) {
		warn_root(c, path);
		e = local_format(path, f);
	}
	else if (d.begun || (d.state == EC_OK &&
	    d.format.generation <= f->generation &&
	    uuid_equal(&d.format.drive, &f->drive) &&
	    uuid_equal(&d.format.deployment, &f->deployment)))
		e = local_reformat(path, f);
	else
		e = d.state == EC_OK ? EC_EEXIST : d.state;
	pthread_mutex_unlock(&c->format_lock);
	return e;
}

static enum err
answer_look(struct cluster *c, struct buf *out)
{
	const struct endpoints *e = &c->endpoints;
	struct node_list *l = NULL;
	struct node_drive d;
	enum err err;

	if ((err = node_list_new(&l, endpoints_sum(e))) != EC_OK)
		return err;
	for (unsigned i = 0; i < e->count && err == EC_OK; i++) {
		if (!cluster_local(c, i))
			continue;
		cluster_peek(c, e->at[i].path, &d);
		err = node_list_add(l, e->at[i].path, &d);
	}
	if (err == EC_OK)
		err = node_list_encode(l, out);
	node_list_free(l);
	return err;
}

/* Only at a path that is one of our drives'. */
static enum err
answer_format(struct cluster *c, const struct buf *in)
{
	const struct endpoints *e = &c->endpoints;
	char path[PATH_BYTES_MAX];
	struct format f;
	enum err err;

	if ((err = node_order_decode(path, sizeof(path), &f, in->data,
	    in->len)) != EC_OK)
		return err;
	for (unsigned i = 0; i < e->count; i++) {
		if (!cluster_local(c, i) || strcmp(e->at[i].path, path) != 0)
			continue;
		if ((err = cluster_write_format(c, path, &f)) != EC_OK)
			log_error("%s: format record not written: %s", path,
			    err_text(err));
		return err;
	}
	return EC_EINVAL;
}

static void
serve_node(struct cluster *c, struct http_exchange *x, const char *what)
{
	struct buf out = BUF_INIT(NODE_MESSAGE_MAX);
	struct peer_request r;
	enum err e;

	if (peer_request_read(&r, x, c->auth, NODE_MESSAGE_MAX) == EC_OK) {
		e = strcmp(http_method(x), "POST") != 0 ? EC_EINVAL :
		    strcmp(what, "look") == 0 ? answer_look(c, &out) :
		    strcmp(what, "format") == 0 ?
		    answer_format(c, &r.body) : EC_ENOTIMPL;
		peer_request_answer(&r, (unsigned)err_http(e), out.data,
		    e == EC_OK ? out.len : 0);
	}
	peer_request_release(&r);
	buf_release(&out);
}

static bool
serve_locks(struct cluster *c, struct http_exchange *x)
{
	struct lock_service *s = cluster_locks(c);

	if (s != NULL)
		return lock_service_serve(s, x);
	http_answer(x, 503, NULL, 0);
	return true;
}

bool
cluster_serve(struct cluster *c, struct http_exchange *x)
{
	static const char node[] = CLUSTER_PATH "node/";
	const char *target = http_target(x);

	if (c->auth == NULL || strncmp(target, CLUSTER_PATH,
	    strlen(CLUSTER_PATH)) != 0)
		return false;
	if (strcmp(target, CLUSTER_ALIVE) == 0) {
		http_answer(x, 204, NULL, 0);
		return true;
	}
	if (strncmp(target, LOCK_PATH, strlen(LOCK_PATH)) == 0)
		return serve_locks(c, x);
	if (strncmp(target, node, strlen(node)) != 0)
		return drive_service_serve(c->service, x, c->auth);
	serve_node(c, x, target + strlen(node));
	return true;
}
