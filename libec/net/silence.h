/* silence: whether anything at all is heard from a server.  One that is slow is
 * not silent: when nothing has come for SILENCE_QUIET_MS, one of those who
 * have waited for SILENCE_WAIT_MS asks it something that needs no drive, and if
 * nothing comes within SILENCE_ASK_MS all of them leave.  From then on the next
 * to come asks again, and whoever comes meanwhile leaves at once.  Time is an
 * argument: clock_mono_us. */
#ifndef SILENCE_H
#define SILENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { SILENCE_QUIET_MS = 750, SILENCE_WAIT_MS = 250,
	SILENCE_ASK_MS = 1000 };

struct silence {	/* all threads; zeros to begin with */
	_Atomic uint64_t heard_us;	/* last */
	_Atomic uint64_t since_us;	/* found to be silent; 0: it is not */
	atomic_bool asking;
};

enum silence_then { SILENCE_WAIT, SILENCE_ASK, SILENCE_LEAVE };

/* Something came. */
void silence_heard(struct silence *s, uint64_t now_us);

/* What to do after having waited from ${from_us} on.  Whoever is told to ask
 * says when that is over. */
enum silence_then silence_look(struct silence *s, uint64_t from_us,
    uint64_t now_us);
void silence_asked(struct silence *s, uint64_t asked_us, uint64_t now_us);

#endif
