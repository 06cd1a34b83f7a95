/* sim: a few nodes, their drives and clients in one process, with a clock, a
 * network and an order of threads that follow from a seed.
 *
 *	sim [-h HARM,...] [-o OPERATIONS] [-t] [-u] [-v] FIRST [COUNT]
 *
 * Runs COUNT (1) seeds, each in a process of its own: clients at work while
 * harm is done, then a calm, in which everything must heal and every key must
 * be read, also from the least drives that there may be.  Prints the histories
 * for t/history, the keys led by the seed; what is wrong beyond that, with its
 * seed, on standard error, and a line of counts there at the end.
 *	-h	only these harms, of those the seed chooses
 *	-o	of each client
 *	-t	run each seed twice: the same must happen
 *	-v	tell on standard error what happens
 *	-u	locks that do not hold, which must be seen
 * Exit status 1 when anything is wrong. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "client.h"
#include "set/heal.h"
#include "set/list.h"

#define SECOND UINT64_C(1000000000)

enum { CLIENTS_MAX = 6, OPS = 25, HEAL_TRIES = 16 };

struct result {		/* of one seed; the parent sees it */
	uint64_t sum, done, failed, harms, turns;
};

static void
heal_all(struct life *l)
{
	enum err e = EC_OK;

	for (unsigned key = 0, try = 0; key < world.keys; try++) {
		e = heal_key(l->set, CLIENT_BUCKET, client_key(key), NULL,
		    HEAL_DEEP, NULL);
		if (e == EC_OK || try == HEAL_TRIES) {
			if (e != EC_OK)
				client_wrong("%s is not healed in a calm: %s",
				    client_key(key), err_text(e));
			key++;
			try = 0;
			continue;
		}
		turn_sleep_ns((e == EC_EBUSY ? 4000 : 2) * SECOND);
	}
}

/* Up to m drives that follow from the seed. */
static void
choose_drives(bool chosen[])
{
	unsigned n = 1 + (unsigned)dice_below(&world.fate, world.m);

	memset(chosen, 0, SET_DRIVES_MAX * sizeof(chosen[0]));
	while (n > 0) {
		unsigned i = (unsigned)dice_below(&world.fate, world.n);

		n -= !chosen[i];
		chosen[i] = true;
	}
}

static void
rot_disk(struct memory_disk *m, const struct list *list)
{
	struct drive_shard_info info;

	for (unsigned i = 0; i < memory_disk_shards(m); i++) {
		uint8_t *p = memory_disk_shard_at(m, i, &info);

		p[dice_below(&world.fate, info.bytes)] ^=
		    (uint8_t)(1u << dice_below(&world.fate, 8));
	}
	for (unsigned i = 0; i < list_count(list); i++) {
		const struct list_entry *t = list_at(list, i);

		if (t->size > 0 && t->size < 100000)
			(void)memory_disk_flip_inline(m, CLIENT_BUCKET, t->key,
			    &t->version, dice_below(&world.fate,
			    (t->size + t->k - 1) / t->k), 4);
	}
}

/* Bits of up to m drives flip: every read is right, and heal finds it. */
static void
rot(struct life *l)
{
	struct list_params p = { .bucket = CLIENT_BUCKET, .limit = 10 };
	bool chosen[SET_DRIVES_MAX], more;
	struct list *list;

	if (list_page(&list, l->set, &p, &more) != EC_OK) {
		client_wrong("no list before rot");
		return;
	}
	choose_drives(chosen);
	for (unsigned i = 0; i < world.n; i++)
		if (chosen[i])
			rot_disk(world.place[i].disk, list);
	list_free(list);
	client_read_all(l, true);
	heal_all(l);
	client_read_all(l, true);
}

static void
filling(const bool chosen[], bool is)
{
	for (unsigned i = 0; i < world.n; i++)
		if (chosen[i]) {
			memory_disk_filling(world.place[i].disk, is);
			for (unsigned j = 0; j < world.nodes; j++)
				lane_set_filling(set_lane(world.node[j]->set,
				    i), is);
		}
}

/* Up to m drives are replaced by empty ones. */
static void
empty(void)
{
	bool chosen[SET_DRIVES_MAX];

	choose_drives(chosen);
	for (unsigned i = 0; i < world.n; i++)
		if (chosen[i])
			memory_disk_wipe(world.place[i].disk);
	world_restart();
	filling(chosen, true);
	client_read_all(world.node[0], true);
	heal_all(world.node[0]);
	filling(chosen, false);
}

static void
calm(void)
{
	turn_node_set(0);
	for (unsigned i = 0; i < world.nodes; i++)
		turn_clock_set(i, 0);
	turn_sleep_ns(40 * SECOND);	/* leases, time-outs, probes */
	heal_all(world.node[0]);
	for (unsigned i = 0; i < world.nodes; i++)
		client_read_all(world.node[i], true);
	if ((world.harm & HARM_ROT) != 0)
		rot(world.node[0]);
	if ((world.harm & HARM_EMPTY) != 0)
		for (unsigned i = 0; i < 2; i++)
			empty();
	world_restart();
	for (unsigned i = 0; i < world.nodes; i++)
		client_read_all(world.node[i], true);
}

static void
work(uint64_t seed, unsigned ops)
{
	struct client c[CLIENTS_MAX + WORLD_NODES_MAX];
	struct dice d = { seed ^ UINT64_C(0x636c69656e74) };
	unsigned n = 1 + (unsigned)dice_below(&d, CLIENTS_MAX);

	for (unsigned i = 0; i < n + world.nodes; i++) {
		c[i] = (struct client){ .dice = { dice_next(&d) }, .ops = ops,
			.node = i % world.nodes };
		turn_spawn(&c[i].thread, NULL, i < n ? client_main :
		    healer_main, &c[i]);
	}
	world_storm((uint64_t)ops * 2 * SECOND / 100);
	for (unsigned i = 0; i < n; i++)
		turn_join(c[i].thread, NULL);
	clients.stop = true;
	for (unsigned i = n; i < n + world.nodes; i++)
		turn_join(c[i].thread, NULL);
}

static bool unlocked;

static int
one(uint64_t seed, unsigned harm, unsigned ops, struct result *r, bool print)
{
	char *text = NULL;
	size_t len = 0;

	snprintf(clients.prefix, sizeof(clients.prefix), "%" PRIu64 "/", seed);
	if ((clients.history = open_memstream(&text, &len)) == NULL)
		return 3;
	turn_begin(seed);
	world_begin(seed, harm);
	world.unlocked = unlocked;
	work(seed, ops);
	calm();
	world_end();
	if (fclose(clients.history) != 0 || (print &&
	    (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)))
		return 3;
	free(text);
	*r = (struct result){ turn_sum(), clients.done, clients.failed,
		world.harms, turn_count() };
	return clients.wrong > 0;
}

/* Whether all was well. */
static bool
run(uint64_t seed, unsigned harm, unsigned ops, struct result *r, bool print)
{
	pid_t pid;
	int status = 0;

	fflush(stdout);
	if ((pid = fork()) == 0)
		_exit(one(seed, harm, ops, r, print));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (status != 0)
		fprintf(stderr, "sim: seed %" PRIu64 ": %s %d\n", seed,
		    WIFSIGNALED(status) ? "signal" : "exit status",
		    WIFSIGNALED(status) ? WTERMSIG(status) :
		    WEXITSTATUS(status));
	return status == 0;
}

static unsigned
harms(char *list)
{
	unsigned mask = 0, i;

	for (char *s = strtok(list, ","); s != NULL; s = strtok(NULL, ",")) {
		for (i = 0; world_harm_names[i] != NULL; i++)
			if (strcmp(s, world_harm_names[i]) == 0)
				break;
		if (world_harm_names[i] == NULL) {
			fprintf(stderr, "sim: %s is no harm\n", s);
			exit(2);
		}
		mask |= 1u << i;
	}
	return mask;
}

int
main(int argc, char *argv[])
{
	unsigned harm = HARM_ALL, ops = OPS, wrong = 0;
	uint64_t first, count;
	struct result *r, sum = { 0 };
	bool twice = false;
	int c;

	while ((c = getopt(argc, argv, "h:o:tuv")) != -1)
		if (c == 'h')
			harm = harms(optarg);
		else if (c == 'o')
			ops = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 't')
			twice = true;
		else if (c == 'v')
			turn_tells = true;
		else if (c == 'u')
			unlocked = true;
		else
			return 2;
	if (optind >= argc)
		return 2;
	first = strtoull(argv[optind], NULL, 10);
	count = optind + 1 < argc ? strtoull(argv[optind + 1], NULL, 10) : 1;
	r = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED)
		return 2;
	log_level_set(getenv("EC_LOG") != NULL ? LOG_LEVEL_DEBUG :
	    LOG_LEVEL_ERROR);
	for (uint64_t seed = first; seed < first + count; seed++) {
		bool good = run(seed, harm, ops, &r[0], true);

		sum.done += r[0].done;
		sum.failed += r[0].failed;
		sum.harms += r[0].harms;
		sum.turns += r[0].turns;
		if (good && twice && (!run(seed, harm, ops, &r[1], false) ||
		    r[0].sum != r[1].sum)) {
			fprintf(stderr, "sim: seed %" PRIu64
			    ": not the same twice\n", seed);
			good = false;
		}
		wrong += !good;
	}
	fprintf(stderr, "%" PRIu64 " seeds, %" PRIu64 " operations done, "
	    "%" PRIu64 " failed, %" PRIu64 " harms, %" PRIu64 " turns, "
	    "%u wrong\n", count, sum.done, sum.failed, sum.harms, sum.turns,
	    wrong);
	return wrong > 0;
}
