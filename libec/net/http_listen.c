#include "net/http_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Is nobody behind the socket at ${sa}? */
static bool
unix_is_dead(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool dead;

	if (fd == -1)
		return false;
	dead = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == -1 &&
	    errno == ECONNREFUSED;
	close(fd);
	return dead;
}

static enum err
open_unix(int *out, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	enum err e = EC_OK;
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return EC_EINVAL;
	strcpy(sa.sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return err_from_errno(errno);
	fchmod(fd, 0600);	/* before bind: the file gets this mode */
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		e = err_from_errno(errno);
	if (e == EC_EINUSE && unix_is_dead(&sa) && unlink(path) == 0)
		e = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 ? EC_OK :
		    err_from_errno(errno);
	if (e == EC_OK)
		*out = fd;
	else
		close(fd);
	return e;
}

static enum err
open_inet(int *out, const struct addrinfo *ai)
{
	const int one = 1, zero = 0;
	enum err e;
	int fd;

	if ((fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return err_from_errno(errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero,
		    sizeof(zero));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0) {
		*out = fd;
		return EC_OK;
	}
	e = err_from_errno(errno);
	close(fd);
	return e;
}

/* Cut "host:port", "[host]:port" or ":port" in two. */
static enum err
split_address(const char *address, char host[256], const char **port)
{
	const char *colon = strrchr(address, ':'), *from = address;
	size_t len;

	if (colon == NULL || colon[1] == '\0')
		return EC_EINVAL;
	len = (size_t)(colon - address);
	if (len >= 2 && from[0] == '[' && from[len - 1] == ']') {
		from++;
		len -= 2;
	} else if (memchr(from, ':', len) != NULL) {
		return EC_EINVAL;
	}
	if (len >= 256)
		return EC_EINVAL;
	memcpy(host, from, len);
	host[len] = '\0';
	*port = colon + 1;
	return EC_OK;
}

/* ":port" is both families through one IPv6 socket, where there is IPv6;
 * otherwise the first address that can be had. */
static enum err
open_tcp(int *out, const char *address)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL, *ai;
	const char *port;
	char host[256];
	enum err e = EC_EINVAL;

	if (split_address(address, host, &port) != EC_OK ||
	    getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list) !=
	    0)
		return EC_EINVAL;
	for (ai = list; ai != NULL && host[0] == '\0'; ai = ai->ai_next)
		if (ai->ai_family == AF_INET6 &&
		    ((e = open_inet(out, ai)) == EC_OK || e == EC_EINUSE))
			goto out;
	for (ai = list; ai != NULL; ai = ai->ai_next)
		if ((e = open_inet(out, ai)) == EC_OK || e == EC_EINUSE)
			goto out;
out:
	freeaddrinfo(list);
	return e;
}

static unsigned
bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char port[8];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    ss.ss_family == AF_UNIX || getnameinfo((struct sockaddr *)&ss, len,
	    NULL, 0, port, sizeof(port), NI_NUMERICSERV) != 0)
		return 0;
	return (unsigned)strtoul(port, NULL, 10);
}

enum err
http_listen_open(int *out, unsigned *port, const struct http_listen *l)
{
	int fd = l->fd;
	enum err e;

	if (fd < 0 && (e = l->unix_path != NULL ? open_unix(&fd, l->unix_path)
	    : open_tcp(&fd, l->address)) != EC_OK)
		return e;
	if (listen(fd, SOMAXCONN) == -1 || fcntl(fd, F_SETFL, O_NONBLOCK) ==
	    -1) {
		e = err_from_errno(errno);
		if (l->fd < 0)
			close(fd);
		return e;
	}
	*port = bound_port(fd);
	*out = fd;
	return EC_OK;
}
