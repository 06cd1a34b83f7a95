#include <string.h>

#include "front.h"
#include "health.h"

/* Without a store there is only this to say. */
static void
answer_early(struct http_exchange *x)
{
	if (health_is_live(http_target(x))) {
		http_answer(x, 200, NULL, 0);
		return;
	}
	http_answer_header(x, "Retry-After", "1");
	http_answer(x, 503, NULL, 0);
}

void
front_handle(void *ctx, struct http_exchange *x)
{
	struct front *f = ctx;
	struct server *s;

	if (cluster_serve(f->cluster, x))
		return;
	if ((s = atomic_load(&f->server)) != NULL)
		server_handle(s, x);
	else
		answer_early(x);
}
