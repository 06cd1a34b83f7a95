/* latency: many times as counts in classes, each within 1/64 of its value. */
#ifndef LOAD_LATENCY_H
#define LOAD_LATENCY_H

#include <stdint.h>

enum { LATENCY_CLASSES = 64 * 40 };

struct latency {
	uint64_t count;
	uint32_t class[LATENCY_CLASSES];
};

void latency_add(struct latency *l, uint64_t us);
void latency_merge(struct latency *l, const struct latency *more);
/* The time that ${share} (0 to 1) of them do not exceed, in us; 0 if none. */
double latency_at(const struct latency *l, double share);

#endif
