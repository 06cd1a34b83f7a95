/* report: what blocks came to, as a table, as JSON lines and as a picture.  The
 * figures are explained in t/bench/METRICS. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdio.h>

#include "block.h"

enum { REPORT_BLOCKS_MAX = 64, REPORT_TARGETS_MAX = 2, REPORT_ROWS_MAX = 16 };

struct report_blocks {	/* of one workload against one endpoint */
	unsigned n;
	struct block *block[REPORT_BLOCKS_MAX];
};

struct report_row {	/* one workload */
	enum plan_work work;
	uint64_t size;
	unsigned clients;
	struct report_blocks of[REPORT_TARGETS_MAX];
};

struct report {
	const char *name[REPORT_TARGETS_MAX];
	unsigned targets, rows;
	struct report_row row[REPORT_ROWS_MAX];
};

void report_head(void);
/* The row's lines: medians over its blocks, and of the ratios of those blocks
 * that ran side by side. */
void report_print(const struct report *r, const struct report_row *row);

/* One line for each block.  Errors: EC_ENOMEM. */
enum err report_json(const struct report *r, FILE *f);
/* Bars of operations a second, as SVG. */
void report_plot(const struct report *r, FILE *f);

#endif
