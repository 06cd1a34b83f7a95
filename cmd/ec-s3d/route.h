/* route: the one table of all operations of S3.  What is known and not done
 * has a row and answers NotImplemented. */
#ifndef ROUTE_H
#define ROUTE_H

#include "call.h"

struct route {
	const char *name;	/* "GetObject": for logs */
	const char *method;
	enum route_on { ROUTE_SERVICE, ROUTE_BUCKET, ROUTE_OBJECT } on;
	const char *query;	/* a parameter that must be there; NULL: none */
	const char *header;	/* a header likewise */
	call_handler *handle;
};

/* The row of a request, by method, what it names, parameters and headers;
 * NULL when no operation has this method here. */
const struct route *route_find(const struct request *rq, const char *method,
    const struct http_header *headers, unsigned header_count);

/* All rows, for tests. */
const struct route *route_table(unsigned *n);

#endif
