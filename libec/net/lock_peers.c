#include "net/lock_peers.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static enum err
add(struct lock_peers *p, const char *one)
{
	static const char https[] = "https://";
	const bool tls = strncmp(one, https, strlen(https)) == 0;

	if (p->n == LOCK_PEERS_MAX) {
		log_error("more than %d lock daemons", LOCK_PEERS_MAX);
		return EC_EINVAL;
	}
	if (strncmp(one, "unix:", 5) != 0) {
		if (p->tcp && p->tls != tls) {
			log_error("%s: either all lock daemons are named with "
			    "https:// or none", one);
			return EC_EINVAL;
		}
		p->tcp = true;
		p->tls = tls;
	}
	p->at[p->n++] = tls ? one + strlen(https) : one;
	return EC_OK;
}

enum err
lock_peers_parse(struct lock_peers *out, const char *text)
{
	struct lock_peers p = LOCK_PEERS_INIT;
	enum err e = EC_OK;
	char *rest, *one;

	if ((p.text = rest = strdup(text)) == NULL)
		return EC_ENOMEM;
	while (e == EC_OK && (one = strsep(&rest, ",")) != NULL)
		e = add(&p, one);
	if (e == EC_OK)
		*out = p;
	else
		lock_peers_release(&p);
	return e;
}

void
lock_peers_release(struct lock_peers *p)
{
	free(p->text);
	*p = (struct lock_peers)LOCK_PEERS_INIT;
}
