/* node_json: what nodes tell each other of their drives, as JSON; pure.
 * ec-wire(7) has the fields. */
#ifndef NODE_JSON_H
#define NODE_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "drive/format.h"

enum { NODE_MESSAGE_MAX = 16 << 20 };

/* What stands at the place of an endpoint. */
struct node_drive {
	enum err state;		/* as local_peek; EC_ENOTFOUND with ${begun}:
				 * formatted but for the last step */
	bool begun;
	struct format format;	/* with EC_OK, and when begun */
};

struct node_list;

/* An answer to a look: ${sum} of the node's endpoints, then its drives. */
enum err node_list_new(struct node_list **out, uint32_t sum);
enum err node_list_add(struct node_list *l, const char *path,
    const struct node_drive *d);
enum err node_list_encode(const struct node_list *l, struct buf *out);
void node_list_free(struct node_list *l);	/* NULL is fine */

/* And back.  Errors: EC_EFORMAT, EC_ENOMEM. */
enum err node_list_decode(struct node_list **out, const void *text,
    size_t len);
uint32_t node_list_sum(const struct node_list *l);
/* The drive at ${path}: EC_ENOTFOUND when the node has none there. */
enum err node_list_find(const struct node_list *l, const char *path,
    struct node_drive *d);

/* The order to write ${f} at ${path}, and back. */
enum err node_order_encode(struct buf *out, const char *path,
    const struct format *f);
enum err node_order_decode(char *path, size_t path_max, struct format *f,
    const void *text, size_t len);

#endif
