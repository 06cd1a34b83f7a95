/* world: see the header. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "set/commit.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

enum { OUTSIDE = TURN_NODES_MAX - 1, LOCK_S = 5 };

struct world world;

const char *const world_harm_names[] = { "node", "drive", "lost", "late",
	"cut", "full", "hung", "clock", "lease", "rot", "empty", NULL };

static void
life_begin(unsigned node)
{
	struct life *l = calloc(1, sizeof(*l));
	struct lane *lane[SET_DRIVES_MAX];
	unsigned was = turn_node();

	turn_node_set(node);
	turn_hlc_forget(node);
	if (l == NULL || mem_pool_new(&l->pool, STRIPE_UNIT_DEFAULT * 16,
	    64u << 20) != EC_OK)
		turn_give_up("no memory");
	l->node = node;
	for (unsigned i = 0; i < world.n; i++) {
		struct drive *d = far_drive_new(l, i);

		if (lane_new(&lane[i], d, d->name) != EC_OK)
			turn_give_up("no memory");
	}
	if (set_new(&l->set, lane, world.n, (int)world.m, l->pool,
	    l->pool) != EC_OK)
		turn_give_up("no set");
	world.node[node] = l;
	turn_node_set(was);
}

static void *
life_free(void *arg)
{
	struct life *l = arg;
	struct mem_pool *pool = l->pool;

	set_free(l->set);	/* the drives that hang keep l */
	mem_pool_free(pool);
	return NULL;
}

/* Its last call has returned.  To end a set takes seconds when a drive hangs,
 * so nobody waits for it. */
static void
life_gone(struct life *l)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	turn_spawn(&thread, &attr, life_free, l);
	pthread_attr_destroy(&attr);
}

static void
life_end(unsigned node)
{
	struct life *l = world.node[node];

	if (l == NULL)
		return;
	world.node[node] = NULL;
	l->over = true;
	if (world.nodes == 1)	/* its locks were its own */
		for (unsigned i = 0; i < world.keys; i++) {
			world.lock[i].owner = 0;
			turn_wake_all(&world.lock[i]);
		}
	if (l->calls == 0)
		life_gone(l);
}

struct life *
world_hold(unsigned node)
{
	struct life *l = world.node[node];

	if (l != NULL)
		l->calls++;
	return l;
}

void
world_put(struct life *l)
{
	if (--l->calls == 0 && l->over)
		life_gone(l);
}

void
world_restart(void)
{
	for (unsigned i = 0; i < world.nodes; i++) {
		life_end(i);
		life_begin(i);
	}
}

bool
world_lock(struct life *l, unsigned key, uint64_t *owner)
{
	struct lock *k = &world.lock[key];
	uint64_t limit = turn_now_ns() + LOCK_S * SECOND;

	while (!world.unlocked && k->owner != 0 &&
	    k->until_ns > turn_now_ns()) {
		if (turn_now_ns() >= limit || l->over)
			return false;
		turn_block(k, k->until_ns < limit ? k->until_ns : limit);
	}
	if (l->over)
		return false;
	k->owner = *owner = ++world.owners;
	k->until_ns = TURN_NEVER;
	if (world.nodes == 1)
		return true;
	k->until_ns = turn_now_ns() + 30 * SECOND;
	k->token = k->token + 1 > clock_hlc() ? k->token + 1 : clock_hlc();
	clock_hlc_observe(k->token);
	commit_fence(k->token);
	return true;
}

bool
world_unlock(struct life *l, unsigned key, uint64_t owner)
{
	struct lock *k = &world.lock[key];
	bool held = world.unlocked || (k->owner == owner &&
	    k->until_ns > turn_now_ns());

	if (world.storm && (world.harm & HARM_LEASE) != 0 &&
	    dice_one_in(&world.fate, 10))
		held = false;
	commit_fence(0);
	if (k->owner == owner && !l->over) {
		k->owner = 0;
		turn_wake_all(k);
	}
	return held && !l->over;
}

void
world_begin(uint64_t seed, unsigned harm)
{
	static const struct { unsigned n, m; } shapes[] = { { 4, 2 }, { 4, 2 },
		{ 3, 1 }, { 6, 2 }, { 5, 2 }, { 12, 4 } };
	struct dice shape = { seed ^ UINT64_C(0x7368617065) };
	char name[16];
	unsigned s;

	memset(&world, 0, sizeof(world));
	world.fate.state = seed ^ UINT64_C(0x66617465);
	s = (unsigned)dice_below(&shape, 6);
	world.n = shapes[s].n;
	world.m = shapes[s].m;
	world.nodes = 1 + (unsigned)dice_below(&shape, WORLD_NODES_MAX);
	world.keys = 1 + (unsigned)dice_below(&shape, WORLD_KEYS_MAX);
	world.harm = (unsigned)dice_next(&shape) & harm;
	world.versioned = dice_one_in(&shape, 3);
	turn_node_set(OUTSIDE);
	for (unsigned i = 0; i < world.n; i++) {
		snprintf(name, sizeof(name), "/d%u", i + 1);
		if ((world.place[i].disk = memory_disk_new(name)) == NULL)
			turn_give_up("no memory");
	}
	for (unsigned i = 0; i < world.nodes; i++)
		life_begin(i);
}

void
world_end(void)
{
	for (unsigned i = 0; i < world.nodes; i++)
		life_end(i);
	turn_sleep_ns(60 * SECOND);	/* the last sets have ended */
	for (unsigned i = 0; i < world.n; i++)
		memory_disk_free(world.place[i].disk);
}

/* One harm, and how it ends. */
struct mishap {
	enum world_harm kind;
	unsigned node, slot;
	uint64_t end_ns;
};

static void
strike(struct mishap *m)
{
	struct place *p = &world.place[m->slot];

	switch (m->kind) {
	case HARM_NODE:
		life_end(m->node);
		break;
	case HARM_DRIVE:
		p->life++;
		p->down = true;
		break;
	case HARM_CUT:
		for (unsigned i = 0; i < world.n; i++)
			world.cut[m->node][i] = dice_one_in(&world.fate, 2);
		break;
	case HARM_FULL:
		p->full = true;
		break;
	case HARM_HUNG:
		p->hung_until_ns = m->end_ns;
		break;
	case HARM_CLOCK:
		turn_clock_set(m->node,
		    (int64_t)dice_below(&world.fate, 7200 * SECOND) -
		    (int64_t)(3600 * SECOND));
		break;
	default:
		break;
	}
	world.harms++;
	turn_tell("harm %u, node %u, drive %u", m->kind, m->node, m->slot);
	turn_trace((uint64_t)m->kind << 16 | m->node << 8 | m->slot);
}

static void
relent(const struct mishap *m)
{
	switch (m->kind) {
	case HARM_NODE:
		if (world.node[m->node] == NULL)
			life_begin(m->node);
		break;
	case HARM_DRIVE:
		world.place[m->slot].down = false;
		break;
	case HARM_CUT:
		memset(world.cut[m->node], 0, sizeof(world.cut[m->node]));
		break;
	case HARM_FULL:
		world.place[m->slot].full = false;
		break;
	default:
		break;
	}
}

static void
mishap_new(struct mishap *m)
{
	static const enum world_harm kinds[] = { HARM_NODE, HARM_DRIVE,
		HARM_CUT, HARM_FULL, HARM_HUNG, HARM_CLOCK };

	m->kind = kinds[dice_below(&world.fate, 6)];
	m->node = (unsigned)dice_below(&world.fate, world.nodes);
	m->slot = (unsigned)dice_below(&world.fate, world.n);
	m->end_ns = turn_now_ns() + dice_below(&world.fate,
	    dice_one_in(&world.fate, 4) ? 6 * SECOND : 400 * MS);
	if ((world.harm & m->kind) != 0)
		strike(m);
	else
		m->kind = 0;
}

void
world_storm(uint64_t until_ns)
{
	struct mishap now[3] = { 0 };
	unsigned most = 1 + (unsigned)dice_below(&world.fate, 3);

	world.storm = true;
	while (turn_now_ns() < until_ns) {
		turn_sleep_ns(dice_below(&world.fate, 100 * MS));
		for (unsigned i = 0; i < most; i++) {
			if (now[i].kind != 0 && now[i].end_ns > turn_now_ns())
				continue;
			relent(&now[i]);
			now[i].kind = 0;
			if (dice_one_in(&world.fate, 3))
				mishap_new(&now[i]);
		}
	}
	for (unsigned i = 0; i < most; i++) {
		if (now[i].end_ns > turn_now_ns() + 10 * SECOND)
			turn_give_up("a mishap without end");
		relent(&now[i]);
	}
	for (unsigned i = 0; i < world.n; i++)
		world.place[i].hung_until_ns = 0;
	world.storm = false;
}
