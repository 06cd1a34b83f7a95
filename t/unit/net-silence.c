/* silence: who is told to wait, to ask and to leave, at which moment. */
#include "../lib/tap.h"
#include "net/silence.h"

#define MS(n) (UINT64_C(1000000) + (n) * UINT64_C(1000))

enum { QUIET = SILENCE_QUIET_MS };

int
main(void)
{
	struct silence s = { 0 };

	silence_heard(&s, MS(0));
	tap_ok(silence_look(&s, MS(0), MS(QUIET - 1)) == SILENCE_WAIT,
	    "not long enough");
	silence_heard(&s, MS(10));
	tap_ok(silence_look(&s, MS(0), MS(QUIET)) == SILENCE_WAIT,
	    "another call was answered");
	tap_ok(silence_look(&s, MS(QUIET), MS(QUIET + 200)) == SILENCE_WAIT,
	    "quiet for long, but nobody has waited");
	tap_ok(silence_look(&s, MS(0), MS(QUIET + 10)) == SILENCE_ASK, "ask");
	tap_ok(silence_look(&s, MS(0), MS(QUIET + 11)) == SILENCE_WAIT,
	    "one asks for all");
	silence_heard(&s, MS(QUIET + 20));
	silence_asked(&s, MS(QUIET + 10), MS(QUIET + 21));
	tap_ok(silence_look(&s, MS(0), MS(QUIET + 22)) == SILENCE_WAIT,
	    "it is there");
	tap_ok(silence_look(&s, MS(0), MS(2 * QUIET + 20)) == SILENCE_ASK,
	    "and is asked again");
	silence_asked(&s, MS(2 * QUIET + 20), MS(5000));
	tap_ok(silence_look(&s, MS(4999), MS(5000)) == SILENCE_LEAVE,
	    "silent: all leave");
	tap_ok(silence_look(&s, MS(5001), MS(5001)) == SILENCE_ASK,
	    "who comes then asks again");
	tap_ok(silence_look(&s, MS(5002), MS(5002)) == SILENCE_LEAVE,
	    "the next leaves");
	silence_asked(&s, MS(5001), MS(6001));
	tap_ok(silence_look(&s, MS(5001), MS(6002)) == SILENCE_LEAVE,
	    "and so does he without an answer");
	silence_heard(&s, MS(9000));
	tap_ok(silence_look(&s, MS(4999), MS(9001)) == SILENCE_WAIT,
	    "it speaks again");
	return tap_done();
}
