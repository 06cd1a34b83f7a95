/* target: an S3 endpoint that is measured, and requests signed for it ahead of
 * time: Signature Version 4 with an unsigned payload, so that neither side
 * hashes bodies for it. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { TARGET_HEAD_MAX = 1024 };

struct target {
	char name[80];			/* "host:port", as in Host */
	struct sockaddr_in address;
	const char *key_id, *region;
	pid_t pid;			/* the server's process; 0: unknown */
	char date[17], scope[80];
	uint8_t key[32];		/* today's */
	const char *secret;
};

/* ${url} is "http://ADDRESS:PORT" with an IPv4 address.  The texts are the
 * caller's and stay.  Errors: EC_EINVAL. */
enum err target_init(struct target *t, const char *url, const char *key_id,
    const char *secret, const char *region);

/* What is signed from now on has the time of now: good for 15 minutes. */
void target_now(struct target *t);

/* The signature of a request, 64 hex digits.  ${path} and ${query} ("a=1&b=",
 * sorted) are as they are to be sent. */
void target_sign(const struct target *t, const char *method, const char *path,
    const char *query, char out[65]);

/* The head of a request with that signature and ${extra} header lines, each
 * ended by CRLF.  Returns its length. */
size_t target_head(const struct target *t, char out[TARGET_HEAD_MAX],
    const char *method, const char *path, const char *query,
    const char *extra, const char *signature);

#endif
