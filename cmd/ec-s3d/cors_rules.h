/* cors_rules: a CORS configuration: read from XML, written, asked.  Pure. */
#ifndef CORS_RULES_H
#define CORS_RULES_H

#include "xml.h"

enum { CORS_RULES_MAX = 100, CORS_ITEMS_MAX = 4096 };

enum cors_field { CORS_ID, CORS_METHOD, CORS_ORIGIN, CORS_HEADER, CORS_EXPOSE,
	CORS_MAX_AGE, CORS_FIELDS };

struct cors_rules {	/* the items of all rules, in order */
	struct cors_item {
		unsigned rule;
		enum cors_field field;
		char *text;
	} item[CORS_ITEMS_MAX];
	unsigned n, rules;
	char bad[256];		/* what S3_INVALID_REQUEST is about, or "" */
};

/* An xml_element for <CORSConfiguration>, ${ctx} an empty struct cors_rules.
 * Errors: S3_MALFORMED_XML, S3_INVALID_REQUEST. */
enum s3_error cors_rules_element(void *ctx, const char *path,
    const char *text);
/* Is it a method that rules know? */
bool cors_rules_method(const char *text);
void cors_rules_release(struct cors_rules *r);

/* As XML, after xml_begin. */
void cors_rules_xml(const struct cors_rules *r, struct xml *x);

/* The first rule that allows a page of ${origin} this method and (NULL: none)
 * the comma-separated ${headers}; -1 if there is none.  *${any}: its origin is
 * just "*". */
int cors_rules_find(const struct cors_rules *r, const char *origin,
    const char *method, const char *headers, bool *any);

/* The values of a field of a rule, joined by ", ", in ${out}. */
enum err cors_rules_join(const struct cors_rules *r, unsigned rule,
    enum cors_field field, struct buf *out);

#endif
