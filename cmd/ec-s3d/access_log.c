#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "access_log.h"
#include "base/log.h"
#include "route.h"

/* The target with the value of X-Amz-Signature and of X-Amz-Security-Token
 * replaced by "-". */
static void
target_text(char *out, size_t size, const char *target)
{
	static const char *const secret[] = { "X-Amz-Signature=",
		"X-Amz-Security-Token=", "Signature=" };
	size_t n = 0, i, len;

	while (*target != '\0' && n + 1 < size) {
		bool start = n > 0 && (out[n - 1] == '?' || out[n - 1] == '&');

		for (i = 0; start && i < 3; i++) {
			len = strlen(secret[i]);
			if (strncmp(target, secret[i], len) != 0 ||
			    n + len + 2 > size)
				continue;
			memcpy(out + n, secret[i], len);
			n += len;
			out[n++] = '-';
			target += len + strcspn(target + len, "&");
			break;
		}
		if (*target != '\0' && n + 1 < size)
			out[n++] = *target++;
	}
	out[n] = '\0';
}

void
access_log(const struct call *c, enum s3_error e, uint64_t took_us)
{
	char target[2048];

	target_text(target, sizeof(target), http_target(c->x));
	log_info("%s %s %s %u%s %" PRIu64 " %" PRIu64 ".%03" PRIu64
	    " %s %s %s%s%s", http_peer(c->x), http_method(c->x), target,
	    http_status(c->x), http_complete(c->x) ? "" : " cut",
	    http_sent(c->x), took_us / 1000, took_us % 1000, c->id,
	    c->auth.key_id[0] != '\0' ? c->auth.key_id : "-",
	    c->route != NULL ? c->route->name : "-", e != S3_OK ? " " : "",
	    s3_error_code(e));
}
