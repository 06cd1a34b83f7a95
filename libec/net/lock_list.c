#include "net/lock_list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/lock_wire.h"
#include "net/peer.h"

enum { ANSWER_MS = 3000, CONNECT_MS = 1000 };

/* The list, and what became of it. */
struct gather {
	struct lock_list *l;
	enum err err;
};

static struct lock_entry *
entry_find(struct lock_list *l, const struct uuid *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (uuid_equal(&l->v[i].id, id))
			return &l->v[i];
	return NULL;
}

static enum err
grow(struct lock_list *l)
{
	size_t cap = l->cap == 0 ? 64 : l->cap * 2;
	struct lock_entry *v;

	if (l->n < l->cap)
		return EC_OK;
	if ((v = mem_array(cap, sizeof(*v))) == NULL)
		return EC_ENOMEM;
	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof(*v));
	free(l->v);
	l->v = v;
	l->cap = cap;
	return EC_OK;
}

static enum err
entry_add(struct lock_list *l, const struct lock_info *i,
    struct lock_entry **out)
{
	struct lock_entry *e;

	if (grow(l) != EC_OK)
		return EC_ENOMEM;
	e = &l->v[l->n];
	*e = (struct lock_entry){ .id = i->id, .write = i->write };
	e->name = strdup(i->name);
	e->owner = strdup(i->owner);
	if (e->name == NULL || e->owner == NULL) {
		free(e->name);
		free(e->owner);
		return EC_ENOMEM;
	}
	l->n++;
	*out = e;
	return EC_OK;
}

static void
add(void *ctx, const struct lock_info *i)
{
	struct gather *g = ctx;
	struct lock_entry *e;

	if (g->err != EC_OK)
		return;
	if ((e = entry_find(g->l, &i->id)) == NULL &&
	    (g->err = entry_add(g->l, i, &e)) != EC_OK)
		return;
	if (i->granted) {
		e->votes++;
		if (i->stamp > e->token)
			e->token = i->stamp;
	} else if (i->stamp > e->ticket) {
		e->ticket = i->stamp;
	}
	if (i->since_us > e->since_us)
		e->since_us = i->since_us;
	if (i->left_us > e->left_us)
		e->left_us = i->left_us;
}

static enum err
ask(struct lock_list *l, const char *address, struct peer_auth *auth)
{
	struct buf nothing = BUF_INIT(1), in = BUF_INIT(LOCK_ANSWER_MAX);
	struct gather g = { l, EC_OK };
	struct peer *p = NULL;
	bool cut = false;
	enum err e;

	if ((e = peer_new(&p, address, auth, CONNECT_MS)) != EC_OK ||
	    (e = peer_call(p, LOCK_PATH "list", &nothing, &in, ANSWER_MS,
	    NULL)) != EC_OK ||
	    (e = lock_wire_list_decode(in.data, in.len, &cut, add, &g)) !=
	    EC_OK)
		goto out;
	e = g.err;
	l->cut |= cut;
out:
	peer_free(p);
	buf_release(&in);
	return e;
}

static int
compare(const void *pa, const void *pb)
{
	const struct lock_entry *a = pa, *b = pb;
	int c = strcmp(a->name, b->name);

	if (c != 0)
		return c;
	if (a->held != b->held)
		return a->held ? -1 : 1;
	if (a->ticket != b->ticket)
		return a->ticket < b->ticket ? -1 : 1;
	return memcmp(a->id.b, b->id.b, sizeof(a->id.b));
}

enum err
lock_list_get(struct lock_list *l, const char *const peers[], size_t n,
    struct peer_auth *auth)
{
	size_t quorum = n / 2 + 1;

	if (n == 0 || n > LOCK_PEERS_MAX)
		return EC_EINVAL;
	l->asked = n;
	for (size_t i = 0; i < n; i++) {
		l->errs[i] = ask(l, peers[i], auth);
		if (l->errs[i] == EC_ENOMEM || l->errs[i] == EC_EINVAL)
			return l->errs[i];
		l->answered += l->errs[i] == EC_OK;
	}
	for (size_t i = 0; i < l->n; i++)
		l->v[i].held = l->v[i].votes >= quorum;
	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), compare);
	if (l->answered < quorum)
		return EC_EQUORUM;
	return l->answered < n ? EC_EDEGRADED : EC_OK;
}

/* Names and owners may have any bytes; a terminal obeys some of them. */
static void
add_clean(struct buf *b, const char *text)
{
	unsigned char c;

	for (; *text != '\0'; text++) {
		c = (unsigned char)*text;
		buf_printf(b, "%c", c < ' ' || c == 127 ? '?' : c);
	}
}

static void
print_entry(struct buf *b, const struct lock_entry *i, uint64_t now, bool json)
{
	char since[32];

	clock_text(since, sizeof(since), now - i->since_us);
	if (!json) {
		add_clean(b, i->name);
		buf_printf(b, "\t%s\t%s\t%s\t%u\t%" PRIu64 "\t%" PRIu64
		    "\t", i->write ? "write" : "read", i->held ? "held" :
		    "waiting", since, i->votes, i->left_us / 1000000,
		    i->held ? i->token : 0);
		add_clean(b, i->owner);
		buf_printf(b, "\n");
		return;
	}
	json_open(b, NULL);
	json_str(b, "type", "item");
	json_str(b, "schema", "ec-lockd/1");
	json_str(b, "name", i->name);
	json_str(b, "mode", i->write ? "write" : "read");
	json_str(b, "state", i->held ? "held" : "waiting");
	json_str(b, "since", since);
	json_u64(b, "since_us", i->since_us);
	json_u64(b, "votes", i->votes);
	json_u64(b, "left_us", i->left_us);
	if (i->held)
		json_u64(b, "token", i->token);
	json_str(b, "owner", i->owner);
	json_close(b);
	buf_printf(b, "\n");
}

static void
print_summary(struct buf *b, const struct lock_list *l, enum err e)
{
	json_open(b, NULL);
	json_str(b, "type", "summary");
	json_str(b, "schema", "ec-lockd/1");
	json_u64(b, "daemons", l->asked);
	json_u64(b, "answered", l->answered);
	json_bool(b, "cut", l->cut);
	json_u64(b, "exit", (uint64_t)err_exit(e));
	json_close(b);
	buf_printf(b, "\n");
}

void
lock_list_text(const struct lock_list *l, uint64_t real_us, const enum err *e,
    struct buf *b)
{
	for (size_t i = 0; i < l->n; i++)
		print_entry(b, &l->v[i], real_us, e != NULL);
	if (e != NULL)
		print_summary(b, l, *e);
}

void
lock_list_release(struct lock_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].owner);
	}
	free(l->v);
	*l = (struct lock_list)LOCK_LIST_INIT;
}
