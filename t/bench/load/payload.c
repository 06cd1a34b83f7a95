#include "payload.h"

#include <stdlib.h>

#include "base/num.h"

enum { SLACK_BYTES = 1024 * 1024 };	/* a body begins somewhere in it */

static uint8_t *bytes_all;
static uint64_t serial;

uint64_t
payload_random(void)	/* xorshift64 */
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

enum err
payload_init(uint64_t bytes)
{
	uint64_t n = num_round_up(bytes + SLACK_BYTES, 8);

	if ((bytes_all = malloc(n)) == NULL)
		return EC_ENOMEM;
	for (uint64_t at = 0; at < n; at += 8)
		le64_put(bytes_all + at, payload_random());
	return EC_OK;
}

void
payload_set(struct request *r, uint64_t bytes)
{
	serial++;
	r->mark_len = num_min(bytes, sizeof(r->mark));
	le64_put(r->mark, serial);
	le64_put(r->mark + 8, payload_random());
	r->body = bytes_all + serial * 64 % SLACK_BYTES;
	r->body_len = bytes - r->mark_len;
}
