/* highway_kernel: the state of HighwayHash and what its kernels offer;
 * highway.h chooses among them. */
#ifndef HIGHWAY_KERNEL_H
#define HIGHWAY_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HIGHWAY_PACKET_BYTES = 32, HIGHWAY_FINAL_ROUNDS = 10 };

struct highway_state {
	_Alignas(32) uint64_t v0[4];
	uint64_t v1[4], mul0[4], mul1[4];
};

struct highway_kernel {
	const char *name;
	bool (*usable)(void);	/* by this CPU */
	unsigned streams;	/* most that one call of sum takes */

	/* Take ${n} states (1 .. streams) over ${len} bytes each, with the
	 * padding and the final rounds; highway_result does the rest. */
	void (*sum)(struct highway_state *s, const uint8_t *const buf[],
	    unsigned n, size_t len);
};

/* Fastest first; the last one, "portable", is usable everywhere. */
extern const struct highway_kernel highway_avx2;
extern const struct highway_kernel highway_neon;
extern const struct highway_kernel highway_portable;

/* The packet that ends a message whose last ${len} bytes (1 .. 31) at ${p} do
 * not fill one. */
void highway_last_packet(uint8_t packet[HIGHWAY_PACKET_BYTES],
    const uint8_t *p, size_t len);

/* The state before the first byte, and the sum after the final rounds. */
void highway_start(struct highway_state *s, const uint8_t key[32]);
void highway_result(uint8_t out[32], const struct highway_state *s);

#endif
