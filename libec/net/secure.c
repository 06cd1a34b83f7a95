#include "net/secure.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"

static bool
is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

	switch (sa->sa_family) {
	case AF_INET:
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	default:
		return sa->sa_family == AF_UNIX;
	}
}

/* Only this machine reaches the socket, or all that ${address} stands for.
 * What is no address is for http_server_start to refuse. */
static bool
is_local(const char *address, int fd)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *colon = address != NULL ? strrchr(address, ':') : NULL;
	struct sockaddr_storage ss;
	struct addrinfo *list = NULL, *a;
	socklen_t len = sizeof(ss);
	char host[256];
	bool local = true;
	size_t n;

	if (fd != -1)
		return getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
		    is_loopback((struct sockaddr *)&ss);
	if (colon == NULL || (n = (size_t)(colon - address)) >= sizeof(host))
		return true;
	if (n == 0)
		return false;
	if (address[0] == '[' && n > 2) {
		address++;
		n -= 2;
	}
	memcpy(host, address, n);
	host[n] = '\0';
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return true;
	for (a = list; a != NULL && local; a = a->ai_next)
		local = is_loopback(a->ai_addr);
	freeaddrinfo(list);
	return local;
}

enum err
secure_open(struct tls **out, const struct secure *s, const char *address,
    int fd, enum secure_nodes nodes)
{
	const char *wrong = NULL;
	bool tls = s->cert != NULL && s->key != NULL;

	*out = NULL;
	if (!tls && (s->cert != NULL || s->key != NULL))
		wrong = "TLS needs both --tls-cert and --tls-key";
	else if (tls && nodes == SECURE_NODES_NO)
		wrong = "with TLS the nodes are to be named with https://";
	else if (!tls && nodes == SECURE_NODES_TLS)
		wrong = "the nodes are named with https://: give this one "
		    "--tls-cert and --tls-key";
	else if (!tls && !s->plaintext && !is_local(address, fd))
		wrong = "other machines can reach this address: give "
		    "--tls-cert and --tls-key, or --plaintext if nobody "
		    "listens in";
	if (wrong != NULL) {
		log_error("%s", wrong);
		return EC_EINVAL;
	}
	return tls ? tls_new(out, s->cert, s->key) : EC_OK;
}

int
secure_wait(struct tls *tls, const sigset_t *end)
{
	const struct timespec look = { SECURE_LOOK_S, 0 };
	sigset_t set = *end;
	int signal;

	if (tls != NULL)
		sigaddset(&set, SIGHUP);
	for (;;) {
		signal = sigtimedwait(&set, NULL, tls != NULL ? &look : NULL);
		if (signal > 0 && signal != SIGHUP)
			return signal;
		if (tls != NULL)
			tls_refresh(tls, signal == SIGHUP);
	}
}
