#include "net/silence.h"

void
silence_heard(struct silence *s, uint64_t now_us)
{
	atomic_store(&s->heard_us, now_us);
	atomic_store(&s->since_us, 0);
}

enum silence_then
silence_look(struct silence *s, uint64_t from_us, uint64_t now_us)
{
	uint64_t since = atomic_load(&s->since_us);
	uint64_t heard = atomic_load(&s->heard_us);

	if (since >= from_us)
		return SILENCE_LEAVE;
	if (since == 0 && (now_us < heard + SILENCE_QUIET_MS * UINT64_C(1000) ||
	    now_us < from_us + SILENCE_WAIT_MS * UINT64_C(1000)))
		return SILENCE_WAIT;
	if (!atomic_exchange(&s->asking, true))
		return SILENCE_ASK;
	return since == 0 ? SILENCE_WAIT : SILENCE_LEAVE;
}

void
silence_asked(struct silence *s, uint64_t asked_us, uint64_t now_us)
{
	if (atomic_load(&s->heard_us) < asked_us)
		atomic_store(&s->since_us, now_us);
	atomic_store(&s->asking, false);
}
