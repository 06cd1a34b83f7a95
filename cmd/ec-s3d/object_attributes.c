/* GetObjectAttributes. */
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base64.h"
#include "handlers.h"
#include "meta.h"

enum { PARTS_MAX = 1000 };	/* in one answer */

static const char *const attributes[] = { "ETag", "Checksum", "ObjectParts",
	"StorageClass", "ObjectSize" };
enum { ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]) };

/* Which are asked for, as bits; the header may be there several times. */
static enum s3_error
wanted(struct call *c, unsigned *out)
{
	const struct http_header *h;
	unsigned i, k, n = http_headers(c->x, &h);
	const char *list;
	size_t len;

	*out = 0;
	for (i = 0; i < n; i++) {
		if (strcasecmp(h[i].name, "x-amz-object-attributes") != 0)
			continue;
		for (list = h[i].value; *list != '\0'; list += len) {
			list += strspn(list, " ,");
			len = strcspn(list, " ,");
			for (k = 0; k < ATTRIBUTES; k++)
				if (strlen(attributes[k]) == len &&
				    memcmp(attributes[k], list, len) == 0)
					break;
			if (k == ATTRIBUTES && len > 0)
				return call_fail(c, S3_INVALID_ARGUMENT,
				    "Invalid attribute name specified.");
			if (len > 0)
				*out |= 1u << k;
		}
	}
	return *out != 0 ? S3_OK : call_fail(c, S3_INVALID_ARGUMENT,
	    "The x-amz-object-attributes header specifying the attributes to "
	    "be retrieved is either missing or empty");
}

static void
checksum_xml(struct xml *x, const struct object *o)
{
	char value[S3_CHECKSUM_TEXT_BYTES + 8], type[16];
	enum s3_checksum_kind kind = meta_checksum(&o->meta, value,
	    sizeof(value));

	if (kind == S3_CHECKSUM_NONE)
		return;
	xml_open(x, "Checksum");
	xml_text(x, s3_checksum_element(kind), value);
	if (meta_text(&o->meta, "x-amz-checksum-type", type, sizeof(type)))
		xml_text(x, "ChecksumType", type);
	xml_close(x, "Checksum");
}

struct page {
	uint64_t after, max;
};

/* With their checksums, when these were kept. */
static void
parts_xml(struct xml *x, const struct object *o, const struct page *p)
{
	char value[S3_CHECKSUM_TEXT_BYTES + 8], sum[S3_CHECKSUM_TEXT_BYTES];
	enum s3_checksum_kind kind = meta_checksum(&o->meta, value,
	    sizeof(value));
	size_t len = 0, bytes = s3_checksum_bytes(kind);
	const uint8_t *sums = record_meta_get(o->meta.data, o->meta.len,
	    META_PART_SUMS, &len);
	uint64_t i, last = 0, count = 0;
	bool more;

	if (bytes * o->part_count != len)
		sums = NULL;
	for (i = 0; i < o->part_count && count < p->max; i++)
		if (o->parts[i].number > p->after) {
			count++;
			last = i + 1;
		}
	more = last > 0 && last < o->part_count;
	xml_open(x, "ObjectParts");
	xml_number(x, "PartsCount", o->part_count);
	xml_number(x, "PartNumberMarker", p->after);
	if (last > 0)
		xml_number(x, "NextPartNumberMarker",
		    o->parts[last - 1].number);
	xml_number(x, "MaxParts", p->max);
	xml_bool(x, "IsTruncated", more);
	for (i = last - count; i < last; i++) {
		xml_open(x, "Part");
		xml_number(x, "PartNumber", o->parts[i].number);
		xml_number(x, "Size", o->parts[i].size);
		if (sums != NULL) {
			base64_encode(sum, sums + i * bytes, bytes);
			xml_text(x, s3_checksum_element(kind), sum);
		}
		xml_close(x, "Part");
	}
	xml_close(x, "ObjectParts");
}

static void
attributes_xml(struct xml *x, const struct object *o, unsigned want,
    const struct page *p)
{
	char class[32] = "STANDARD";

	if ((want & 1) != 0)
		xml_text(x, "ETag", o->etag);
	if ((want & 2) != 0)
		checksum_xml(x, o);
	if ((want & 4) != 0 && strchr(o->etag, '-') != NULL)
		parts_xml(x, o, p);
	if ((want & 8) != 0) {
		meta_text(&o->meta, "x-amz-storage-class", class,
		    sizeof(class));
		xml_text(x, "StorageClass", class);
	}
	if ((want & 16) != 0)
		xml_number(x, "ObjectSize", o->size);
}

static enum s3_error
header_number(struct call *c, const char *name, uint64_t none, uint64_t *out)
{
	const char *text = http_header(c->x, name);

	*out = none;
	return text == NULL || num_parse(out, text, 0, INT32_MAX) == EC_OK ?
	    S3_OK : call_fail(c, S3_INVALID_ARGUMENT,
	    "%s must be a number", name);
}

enum s3_error
handle_object_attributes(struct call *c)
{
	struct object o = OBJECT_INIT;
	struct xml x = XML_INIT;
	struct page p;
	unsigned want;
	enum s3_error e;

	if ((e = wanted(c, &want)) != S3_OK ||
	    (e = header_number(c, "x-amz-max-parts", PARTS_MAX, &p.max)) !=
	    S3_OK || (e = header_number(c, "x-amz-part-number-marker", 0,
	    &p.after)) != S3_OK)
		return e;
	p.max = num_min(p.max, PARTS_MAX);
	e = call_object(c, &o);
	if (o.marker)
		http_answer_header(c->x, "x-amz-delete-marker", "true");
	if (e == S3_OK) {
		call_header_time(c, &o);
		call_header_version(c, &o.version, o.null_version);
		xml_begin(&x, "GetObjectAttributesResponse");
		attributes_xml(&x, &o, want, &p);
		e = call_answer_xml(c, &x, "GetObjectAttributesResponse");
	}
	object_release(&o);
	return e;
}
