/* status: how a pool stands, for people and programs: ec-scan --status. */
#ifndef STATUS_H
#define STATUS_H

#include "store/store.h"

enum status_form {
	STATUS_TEXT,	/* paragraphs and a table */
	STATUS_ROWS,	/* the table alone: TABs, no headings, exact numbers */
	STATUS_LINE,	/* one line: the state, and what is wrong */
	STATUS_METRICS,	/* gauges for node_exporter */
	STATUS_JSON,	/* a line for each drive and set, then the pool's */
};

/* Append it to ${out}.  The result says how the pool is: EC_OK, EC_EDEGRADED (a
 * drive is away, or versions wait for heal), EC_EQUORUM (a set has too few
 * drives to be read or written now); or it is EC_ENOMEM. */
enum err status_format(struct buf *out, struct store *st,
    enum status_form form);

#endif
