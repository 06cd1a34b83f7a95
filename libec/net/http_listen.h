/* http_listen: listening sockets of http_server. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "net/http_server.h"

/* Open what ${l} says, or take ${l}->fd: a listening socket that does not
 * block, in *${fd}; its port, 0 for a Unix socket.
 * Errors: EC_EINVAL (address), EC_EINUSE, by errno; then nothing is
 * left open, but ${l}->fd. */
enum err http_listen_open(int *fd, unsigned *port,
    const struct http_listen *l);

#endif
