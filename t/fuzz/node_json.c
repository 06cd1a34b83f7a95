/* What other nodes say of their drives: what is decoded is encoded alike. */
#include <stdlib.h>
#include <string.h>

#include "store/node_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void
order(const uint8_t *in, size_t len)
{
	char path[256], again_path[256];
	struct buf b = BUF_INIT(1 << 20);
	struct format f, again;

	if (node_order_decode(path, sizeof(path), &f, in, len) != EC_OK)
		return;
	if (node_order_encode(&b, path, &f) != EC_OK ||
	    node_order_decode(again_path, sizeof(again_path), &again, b.data,
	    b.len) != EC_OK || strcmp(path, again_path) != 0 ||
	    !uuid_equal(&f.drive, &again.drive) || f.slot != again.slot ||
	    f.generation != again.generation)
		abort();
	buf_release(&b);
}

static void
list(const uint8_t *in, size_t len)
{
	struct node_list *l = NULL, *again = NULL;
	struct buf b = BUF_INIT(1 << 20);
	struct node_drive d, e;

	if (node_list_decode(&l, in, len) != EC_OK)
		return;
	if (node_list_encode(l, &b) != EC_OK ||
	    node_list_decode(&again, b.data, b.len) != EC_OK ||
	    node_list_sum(l) != node_list_sum(again) ||
	    node_list_find(l, "/d1", &d) != node_list_find(again, "/d1", &e))
		abort();
	node_list_free(l);
	node_list_free(again);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	if (len > 64 * 1024)
		return 0;
	order(in, len);
	list(in, len);
	return 0;
}
