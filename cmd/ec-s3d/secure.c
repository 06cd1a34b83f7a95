#include "secure.h"

#include <time.h>

#include "base/log.h"

enum err
secure_open(struct tls **out, const struct secure *s)
{
	*out = NULL;
	if (s->cert == NULL && s->key == NULL)
		return EC_OK;
	if (s->cert == NULL || s->key == NULL) {
		log_error("TLS needs both --tls-cert and --tls-key");
		return EC_EINVAL;
	}
	return tls_new(out, s->cert, s->key);
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
