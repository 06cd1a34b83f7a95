/* record: records and lists of them from somebody who means harm.  What is
 * believed is said again in the very same bytes, and its identity does not
 * depend on what differs from drive to drive. */
#include <stdlib.h>
#include <string.h>

#include "drive/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
walk_meta(const struct record *r)
{
	size_t pos = 0, name_len, value_len, sum = 0;
	const uint8_t *value;
	const char *name;

	while (record_meta_next(r->meta, r->meta_len, &pos, &name, &name_len,
	    &value, &value_len)) {
		must(value + value_len <= r->meta + r->meta_len);
		for (size_t i = 0; i < name_len; i++)
			sum += (uint8_t)name[i];
	}
	must(pos == r->meta_len);
	(void)record_meta_get(r->meta, r->meta_len, "content-type",
	    &value_len);
	must(sum < SIZE_MAX);
}

static void
one_record(const uint8_t *data, size_t len)
{
	struct buf again = BUF_INIT(RECORD_BYTES_MAX);
	struct record_part *parts = NULL;
	struct record r, other;
	uint8_t *copy;

	if (record_decode(&r, &parts, data, len) != EC_OK) {
		must(parts == NULL);
		return;
	}
	must(record_encode(&again, &r) == EC_OK);
	must(again.len == len && memcmp(again.data, data, len) == 0);
	walk_meta(&r);
	other = r;
	other.segment++;
	other.offset++;
	other.index = 0;
	other.inline_data = NULL;
	must(record_agrees(&r, &other));
	other.size++;
	must(!record_agrees(&r, &other));
	free(parts);
	copy = malloc(len);
	memcpy(copy, data, len);
	len = record_place(copy, len, 5, 6, false);
	must(record_decode(&other, &parts, copy, len) == EC_OK);
	must(other.segment == 5 && other.offset == 6 &&
	    other.inline_data == NULL);
	free(parts);
	free(copy);
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct drive_records l = DRIVE_RECORDS_INIT;
	const uint8_t *rec;
	size_t pos = 0, n;

	one_record(data, len);
	must(buf_add(&l.buf, data, len) == EC_OK);
	while (drive_records_next(&l, &pos, &rec, &n)) {
		must(rec + n <= l.buf.data + l.buf.len);
		one_record(rec, n);
	}
	buf_release(&l.buf);
	return 0;
}
