#include "latency.h"

/* The first 128 classes are 1 us wide; then 64 for each doubling. */
static unsigned
class_of(uint64_t us)
{
	unsigned shift = 0, class;

	while (us >> shift >= 128)
		shift++;
	class = us < 64 ? (unsigned)us :
	    64 * shift + (unsigned)(us >> shift);
	return class < LATENCY_CLASSES ? class : LATENCY_CLASSES - 1;
}

static double
class_middle(unsigned class)
{
	unsigned shift = class < 128 ? 0 : class / 64 - 1;

	return (class - 64 * shift + 0.5) * (double)(UINT64_C(1) << shift);
}

void
latency_add(struct latency *l, uint64_t us)
{
	l->class[class_of(us)]++;
	l->count++;
}

void
latency_merge(struct latency *l, const struct latency *more)
{
	for (unsigned i = 0; i < LATENCY_CLASSES; i++)
		l->class[i] += more->class[i];
	l->count += more->count;
}

double
latency_at(const struct latency *l, double share)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < LATENCY_CLASSES && l->count > 0; i++) {
		seen += l->class[i];
		if ((double)seen >= share * (double)l->count)
			return class_middle(i);
	}
	return 0;
}
