/* Which of the nodes this process is, and what its drives' names stand for. */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/cluster_impl.h"

/* Is ${address} ("host:port") one of this machine's: can it be bound to?
 * *${error} is that of getaddrinfo. */
static bool
address_is_here(const char *address, int *error)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	const char *colon = strrchr(address, ':');
	char host[ENDPOINTS_HOST_MAX];
	size_t len = (size_t)(colon - address);
	bool here = false;

	*error = EAI_NONAME;
	if (address[0] == '[') {
		address++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return false;
	memcpy(host, address, len);
	host[len] = '\0';
	if ((*error = getaddrinfo(host, "0", &hints, &list)) != 0)
		return false;
	for (struct addrinfo *a = list; a != NULL && !here; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		here = fd >= 0 && bind(fd, a->ai_addr, a->ai_addrlen) == 0;
		if (fd >= 0)
			close(fd);
	}
	freeaddrinfo(list);
	return here;
}

static const char *
port_of(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon != NULL ? colon + 1 : "";
}

/* Which node is named by --node. */
static enum err
self_by_name(struct cluster *c, const char *name)
{
	for (unsigned i = 0; i < c->endpoints.nodes; i++) {
		const char *is = c->endpoints.node[i];
		size_t host = strlen(is) - strlen(port_of(is)) - 1;

		if (strcmp(is, name) != 0 && (strlen(name) != host ||
		    memcmp(name, is, host) != 0))
			continue;
		if (c->self >= 0) {
			log_error("--node %s: several nodes have this name; "
			    "add the port", name);
			return EC_EINVAL;
		}
		c->self = (int)i;
	}
	if (c->self >= 0)
		return EC_OK;
	log_error("--node %s: no drive is of this node", name);
	return EC_EINVAL;
}

/* Which node listens on this machine, at ${address} if that is given. */
static enum err
self_by_address(struct cluster *c, const char *address)
{
	for (unsigned i = 0; i < c->endpoints.nodes; i++) {
		const char *is = c->endpoints.node[i];

		if (address != NULL &&
		    strcmp(port_of(address), port_of(is)) != 0)
			continue;
		if ((address == NULL || strcmp(address, is) != 0) &&
		    !c->here[i])
			continue;
		if (c->self >= 0) {
			log_error("%s and %s both are this machine: say with "
			    "--node which one this is",
			    c->endpoints.node[c->self], is);
			return EC_EINVAL;
		}
		c->self = (int)i;
	}
	if (c->self >= 0)
		return EC_OK;
	return EC_ENOTFOUND;
}

/* Which nodes are on this machine; names that mean nothing to ${unknown}. */
static void
find_here(struct cluster *c, struct buf *unknown)
{
	int error;

	for (unsigned i = 0; i < c->endpoints.nodes; i++) {
		const char *is = c->endpoints.node[i];

		c->here[i] = address_is_here(is, &error);
		if (error != 0)
			buf_printf(unknown, "%s%s: %s", unknown->len > 0 ?
			    "; " : "", is, gai_strerror(error));
	}
}

enum err
cluster_find_self(struct cluster *c, const struct cluster_params *p)
{
	struct buf unknown = BUF_INIT(65536);
	const char *at = p->address;
	enum err e = EC_OK;

	c->self = -1;
	if (c->endpoints.nodes == 0) {
		if (p->node == NULL)
			return EC_OK;
		log_error("--node %s: the drives are not of nodes", p->node);
		return EC_EINVAL;
	}
	find_here(c, &unknown);
	if (p->server)
		e = p->node != NULL ? self_by_name(c, p->node) :
		    self_by_address(c, at);
	if (e == EC_ENOTFOUND) {
		log_error("no node is this machine%s%s: say with --node which "
		    "one this is%s%s%s", at != NULL ? " at " : "",
		    at != NULL ? at : "", unknown.len > 0 ? " (" : "",
		    buf_str(&unknown), unknown.len > 0 ? ")" : "");
		e = EC_EINVAL;
	} else if (e == EC_OK && unknown.len > 0) {
		log_warn("%s", buf_str(&unknown));
	}
	buf_release(&unknown);
	return e;
}

enum err
cluster_check_distinct(const struct cluster *c)
{
	const struct endpoints *e = &c->endpoints;
	struct stat *st = mem_array(e->count, sizeof(*st));
	enum err err = st != NULL ? EC_OK : EC_ENOMEM;

	for (unsigned i = 0; i < e->count && err == EC_OK; i++) {
		if (!cluster_local(c, i) || stat(e->at[i].path, &st[i]) != 0)
			continue;
		for (unsigned j = 0; j < i && err == EC_OK; j++)
			if (st[j].st_ino == st[i].st_ino &&
			    st[j].st_dev == st[i].st_dev) {
				log_error("%s and %s are the same directory",
				    e->at[j].name, e->at[i].name);
				err = EC_EINVAL;
			}
	}
	free(st);
	return err;
}
