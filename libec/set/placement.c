/* placement: see the header. */
#include "set/placement.h"

#include <string.h>

#include "base/checksum.h"
#include "base/num.h"

struct sip {
	uint64_t v[4];
	uint8_t tail[8];
	uint64_t len;
};

static uint64_t
rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static void
sip_init(struct sip *s, const uint8_t key[16])
{
	uint64_t k0 = le64_get(key), k1 = le64_get(key + 8);

	s->v[0] = k0 ^ UINT64_C(0x736f6d6570736575);
	s->v[1] = k1 ^ UINT64_C(0x646f72616e646f6d);
	s->v[2] = k0 ^ UINT64_C(0x6c7967656e657261);
	s->v[3] = k1 ^ UINT64_C(0x7465646279746573);
	s->len = 0;
}

static void
sip_word(struct sip *s, uint64_t word)
{
	s->v[3] ^= word;
	sip_round(s->v);
	sip_round(s->v);
	s->v[0] ^= word;
}

static void
sip_add(struct sip *s, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		s->tail[s->len++ % 8] = (uint8_t)p[i];
		if (s->len % 8 == 0)
			sip_word(s, le64_get(s->tail));
	}
}

static uint64_t
sip_final(struct sip *s)
{
	memset(s->tail + s->len % 8, 0, 8 - s->len % 8);
	sip_word(s, le64_get(s->tail) | s->len << 56);
	s->v[2] ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(s->v);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

uint64_t
placement_hash(const struct uuid *deployment, const char *bucket,
    const char *key)
{
	struct sip s;

	sip_init(&s, deployment->b);
	sip_add(&s, bucket, strlen(bucket));
	sip_add(&s, "/", 1);
	sip_add(&s, key, strlen(key));
	return sip_final(&s);
}

unsigned
placement_set(const struct uuid *deployment, const char *bucket,
    const char *key, unsigned sets)
{
	if (sets < 2)
		return 0;
	return (unsigned)(placement_hash(deployment, bucket, key) % sets);
}

unsigned
placement_start(const char *bucket, const char *key, unsigned n)
{
	uint32_t crc;

	crc = checksum_crc32(0, bucket, strlen(bucket));
	crc = checksum_crc32(crc, "/", 1);
	crc = checksum_crc32(crc, key, strlen(key));
	return n == 0 ? 0 : crc % n;
}
