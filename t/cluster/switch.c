/* switch: hosts of their own for a test, and the network between them.
 *
 *	switch N
 *
 * Makes N network namespaces ("hosts", 1 to N), each with the address
 * 10.77.0.HOST on a tun device, and carries the packets between them.  It
 * prints "ready", then obeys lines on standard input, each answered by a line
 * when it holds:
 *
 *	delay A B MICROSECONDS	packets from A to B take so long
 *	drop A B		... vanish, and nobody is told
 *	pass A B		... arrive again
 *	count			a line "A B PACKETS BYTES CONNECTIONS" for each
 *				pair that sent any (connections: what A opened
 *				to B), and then the answer
 *	enter HOST		the answer is the file to give to nsenter --net
 *
 * A or B may be 0: any host.  "ok" or "bad" is the answer.  At the end of input
 * all is gone; nothing is left in the system.  Exit status 77 when namespaces
 * or tun devices are not allowed here. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	HOSTS_MAX = 8,
	MTU = 9000,
	QUEUE_BYTES_MAX = 64 << 20, /* on a link; what is beyond is lost */
	NOT_ALLOWED = 77,
	SYN = 0x02,
	ACK = 0x10,
};

struct packet {
	struct packet *next;
	uint64_t due_us;
	size_t len;
	uint8_t bytes[];
};

struct link {
	struct packet *first, **last;
	size_t queued;
	uint64_t delay_us;
	bool dropping;
	uint64_t packets, bytes, connections;
};

static struct link links[HOSTS_MAX + 1][HOSTS_MAX + 1];
static int tun[HOSTS_MAX + 1], space[HOSTS_MAX + 1];
static int hosts;

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
not_allowed(const char *what)
{
	fprintf(stderr, "switch: %s: %s\n", what, strerror(errno));
	exit(NOT_ALLOWED);
}

static void
address_set(struct ifreq *r, unsigned long what, uint32_t address,
    int fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_addr.s_addr = htonl(address);
	memcpy(&r->ifr_addr, &in, sizeof(in));
	if (ioctl(fd, what, r) != 0)
		not_allowed("address");
}

static void
link_up(int fd, struct ifreq *r)
{
	r->ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, r) != 0)
		not_allowed("link");
}

static void
host_new(int host)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct ifreq lo = { .ifr_name = "lo" };
	int fd;

	if (unshare(CLONE_NEWNET) != 0)
		not_allowed("network namespace");
	if ((space[host] = open("/proc/self/ns/net",
	    O_RDONLY | O_CLOEXEC)) < 0 ||
	    (fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		not_allowed("network namespace");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "wire");
	tun[host] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun[host] < 0 || ioctl(tun[host], TUNSETIFF, &r) != 0)
		not_allowed("/dev/net/tun");
	address_set(&r, SIOCSIFADDR, 0x0a4d0000 + (uint32_t)host, fd);
	address_set(&r, SIOCSIFNETMASK, 0xffffff00, fd);
	r.ifr_mtu = MTU;
	if (ioctl(fd, SIOCSIFMTU, &r) != 0)
		not_allowed("mtu");
	link_up(fd, &r);
	link_up(fd, &lo);
	close(fd);
}

/* The host that a packet is for; 0: none of ours. */
static int
receiver(const uint8_t *p, size_t len)
{
	static const uint8_t net[3] = { 10, 77, 0 };

	if (len < 20 || p[0] >> 4 != 4 || memcmp(p + 16, net, 3) != 0 ||
	    p[19] > hosts)
		return 0;
	return p[19];
}

static bool
opens_connection(const uint8_t *p, size_t len)
{
	size_t head = (p[0] & 15) * 4U;

	return p[9] == IPPROTO_TCP && len >= head + 14 &&
	    (p[head + 13] & (SYN | ACK)) == SYN;
}

static void
take(int from)
{
	static uint8_t buf[MTU];
	struct packet *p;
	struct link *l;
	ssize_t n;
	int to;

	while ((n = read(tun[from], buf, sizeof(buf))) > 0) {
		if ((to = receiver(buf, (size_t)n)) == 0)
			continue;
		l = &links[from][to];
		l->packets++;
		l->bytes += (uint64_t)n;
		l->connections += opens_connection(buf, (size_t)n);
		if (l->dropping || l->queued + (size_t)n > QUEUE_BYTES_MAX ||
		    (p = malloc(sizeof(*p) + (size_t)n)) == NULL)
			continue;
		p->next = NULL;
		p->due_us = now_us() + l->delay_us;
		p->len = (size_t)n;
		memcpy(p->bytes, buf, p->len);
		*l->last = p;
		l->last = &p->next;
		l->queued += p->len;
	}
}

/* Hand over what is due; how long until the next is, or -1. */
static int64_t
deliver(struct link *l, int to, uint64_t now)
{
	struct packet *p;

	while ((p = l->first) != NULL && p->due_us <= now) {
		/* A full device loses packets, as any does. */
		if (!l->dropping && write(tun[to], p->bytes, p->len) < 0 &&
		    errno == EBADF)
			exit(1);
		if ((l->first = p->next) == NULL)
			l->last = &l->first;
		l->queued -= p->len;
		free(p);
	}
	return p == NULL ? -1 : (int64_t)(p->due_us - now);
}

static int64_t
deliver_all(void)
{
	int64_t wait = -1, w;
	uint64_t now = now_us();

	for (int a = 1; a <= hosts; a++)
		for (int b = 1; b <= hosts; b++) {
			w = deliver(&links[a][b], b, now);
			if (w >= 0 && (wait < 0 || w < wait))
				wait = w;
		}
	return wait;
}

static void
count(void)
{
	const struct link *l;

	for (int a = 1; a <= hosts; a++)
		for (int b = 1; b <= hosts; b++) {
			l = &links[a][b];
			if (l->packets > 0)
				printf("%d %d %" PRIu64 " %" PRIu64
				    " %" PRIu64 "\n", a, b, l->packets,
				    l->bytes, l->connections);
		}
}

static bool
set(const char *verb, unsigned a, unsigned b, uint64_t us)
{
	if (a > (unsigned)hosts || b > (unsigned)hosts)
		return false;
	for (int i = 1; i <= hosts; i++)
		for (int j = 1; j <= hosts; j++) {
			struct link *l = &links[i][j];

			if ((a != 0 && a != (unsigned)i) ||
			    (b != 0 && b != (unsigned)j))
				continue;
			if (strcmp(verb, "delay") == 0)
				l->delay_us = us;
			else
				l->dropping = strcmp(verb, "drop") == 0;
		}
	return true;
}

static void
obey(const char *line)
{
	unsigned a = 0, b = 0;
	char verb[8] = "";
	unsigned long us = 0;
	int n = sscanf(line, "%7s %u %u %lu", verb, &a, &b, &us);
	bool good = false;

	if (n == 1 && strcmp(verb, "count") == 0) {
		count();
		good = true;
	} else if (n == 2 && strcmp(verb, "enter") == 0 && a >= 1 &&
	    a <= (unsigned)hosts) {
		printf("/proc/%d/fd/%d\n", (int)getpid(), space[a]);
		return;
	} else if ((n == 4 && strcmp(verb, "delay") == 0) ||
	    (n == 3 &&
		(strcmp(verb, "drop") == 0 || strcmp(verb, "pass") == 0))) {
		good = set(verb, a, b, us);
	}
	puts(good ? "ok" : "bad");
}

/* Lines may come in pieces, or several at once. */
static bool
listen_to(int fd)
{
	static char buf[4096];
	static size_t have;
	char *end;
	ssize_t n = read(fd, buf + have, sizeof(buf) - 1 - have);

	if (n <= 0)
		return false;
	have += (size_t)n;
	buf[have] = '\0';
	while ((end = strchr(buf, '\n')) != NULL) {
		*end++ = '\0';
		obey(buf);
		have -= (size_t)(end - buf);
		memmove(buf, end, have + 1);
	}
	fflush(stdout);
	return have < sizeof(buf) - 1;
}

static void
wait_for(struct pollfd *fds, int64_t us)
{
	struct timespec ts = { .tv_sec = us / 1000000,
		.tv_nsec = us % 1000000 * 1000 };

	if (ppoll(fds, (nfds_t)hosts + 1, us < 0 ? NULL : &ts, NULL) < 0 &&
	    errno != EINTR)
		exit(1);
}

int
main(int argc, char *argv[])
{
	struct pollfd fds[HOSTS_MAX + 1] = { { .fd = STDIN_FILENO,
	    .events = POLLIN } };

	hosts = argc == 2 ? atoi(argv[1]) : 0;
	if (hosts < 1 || hosts > HOSTS_MAX) {
		fprintf(stderr, "usage: switch N (1 to %d)\n", HOSTS_MAX);
		return 2;
	}
	for (int i = 1; i <= hosts; i++) {
		for (int j = 1; j <= hosts; j++)
			links[i][j].last = &links[i][j].first;
		host_new(i);
		fds[i] = (struct pollfd){ .fd = tun[i], .events = POLLIN };
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		wait_for(fds, deliver_all());
		for (int i = 1; i <= hosts; i++)
			if (fds[i].revents != 0)
				take(i);
		if (fds[0].revents != 0 && !listen_to(STDIN_FILENO))
			return 0;
	}
}
