/* finding: see the header. */
#include "store/finding.h"

#include <string.h>

#include "base/num.h"
#include "store/finding_json.h"

enum { NAME_MAX_BYTES = RECORD_BUCKET_MAX + 1 + RECORD_KEY_MAX + 1 };

static void
version_text(char out[8 + STAMP_TEXT_BYTES], const struct heal_report *r)
{
	out[0] = '-';
	out[1] = '\0';
	if (r->key[0] == '\0')
		return;
	if (stamp_is_zero(&r->upload)) {
		stamp_text(out, &r->version);
	} else {
		memcpy(out, "upload-", 7);
		stamp_text(out + 7, &r->upload);
	}
}

struct line {
	const char *what, *drive, *text;
	const struct heal_report *report;	/* without a drive */
};

static enum err
add_line(struct buf *out, const struct line *l, bool nul)
{
	enum err (*add)(struct buf *, const char *) = nul ? buf_add_str :
	    buf_add_escaped;
	char version[8 + STAMP_TEXT_BYTES];
	enum err e;

	version_text(version, l->report);
	if ((e = buf_printf(out, "%s\t", l->what)) != EC_OK)
		return e;
	if (l->drive != NULL) {
		e = add(out, l->drive);
	} else if ((e = add(out, l->report->bucket)) == EC_OK &&
	    l->report->key[0] != '\0' && (e = buf_add(out, "/", 1)) == EC_OK) {
		e = add(out, l->report->key);
	}
	if (e == EC_OK)
		e = buf_printf(out, "\t%s\t", version);
	if (e == EC_OK)
		e = buf_add_escaped(out, l->text);
	return e != EC_OK ? e : buf_add(out, nul ? "" : "\n", 1);
}

enum err
finding_format(struct buf *out, const struct scan_finding *f,
    enum finding_form form)
{
	const struct line l = {
		.what = scan_what_text(f->what), .drive = f->drive,
		.text = f->text, .report = &f->report,
	};

	if (form == FINDING_JSON)
		return finding_json_format(out, f);
	return add_line(out, &l, form == FINDING_NUL);
}

const char *
finding_result(const struct heal_report *r, bool dry)
{
	if (r->lost)
		return "lost";
	if (r->undecided)
		return "undecided";
	if (dry)
		return "would-heal";
	for (unsigned i = 0; i < r->drives; i++)
		if (r->after[i] != HEAL_OK && r->after[i] != HEAL_OFFLINE)
			return "left";
	return "healed";
}

enum err
finding_format_healed(struct buf *out, const struct heal_report *r, bool dry,
    enum finding_form form)
{
	struct buf text = BUF_INIT(RECORD_META_MAX);
	struct line l = { .what = finding_result(r, dry), .report = r };
	const char *comma = "";
	enum err e = EC_OK;

	if (form == FINDING_JSON)
		return finding_json_healed(out, r, dry);
	for (unsigned i = 0; i < r->drives && e == EC_OK; i++) {
		if (r->before[i] == HEAL_OK)
			continue;
		e = buf_printf(&text, "%s%s %s", comma,
		    lane_name(set_lane(r->set, i)),
		    heal_state_text(r->before[i]));
		if (e == EC_OK && !dry && r->after[i] != r->before[i])
			e = buf_printf(&text, " -> %s",
			    heal_state_text(r->after[i]));
		comma = ", ";
	}
	l.text = buf_str(&text);
	if (e == EC_OK)
		e = add_line(out, &l, form == FINDING_NUL);
	buf_release(&text);
	return e;
}

/* The reverse of buf_add_escaped; ${out} takes ${len} + 1 bytes. */
static enum err
unescape(char *out, const char *in, size_t len)
{
	const char *end = in + len;
	uint8_t byte;

	for (; in < end; in++) {
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		if (++in == end)
			return EC_EINVAL;
		if (*in == 'n') {
			*out++ = '\n';
		} else if (*in == 't') {
			*out++ = '\t';
		} else if (*in == '\\') {
			*out++ = '\\';
		} else if (*in == 'x' && end - in > 2) {
			char hex[3] = { in[1], in[2], '\0' };

			if (num_unhex(&byte, 1, hex) != EC_OK || byte == 0)
				return EC_EINVAL;
			*out++ = (char)byte;
			in += 2;
		} else {
			return EC_EINVAL;
		}
	}
	*out = '\0';
	return EC_OK;
}

enum err
finding_check(const struct finding *f)
{
	if (object_bucket_valid(f->bucket) != EC_OK)
		return EC_EINVAL;
	return f->key[0] != '\0' ? object_key_valid(f->key) : EC_OK;
}

/* "bucket/key" or "bucket". */
static enum err
take_name(struct finding *f, const char *name, size_t len)
{
	const char *slash = memchr(name, '/', len);
	size_t bucket = slash != NULL ? (size_t)(slash - name) : len;

	if (bucket > RECORD_BUCKET_MAX || len - bucket > RECORD_KEY_MAX + 1)
		return EC_EINVAL;
	memcpy(f->bucket, name, bucket);
	if (slash != NULL)
		memcpy(f->key, slash + 1, len - bucket - 1);
	return finding_check(f);
}

static enum err
take_version(struct finding *f, const char *s, size_t len)
{
	char text[STAMP_TEXT_BYTES] = "";

	if (len != sizeof text - 1)
		return EC_OK;	/* "-", "upload-...": all of the key */
	memcpy(text, s, len);
	return stamp_parse(&f->version, text);
}

/* Where the last TAB before ${end} is; NULL if none. */
static const char *
last_tab(const char *line, const char *end)
{
	while (end > line)
		if (*--end == '\t')
			return end;
	return NULL;
}

static enum err
parse_line(struct finding *f, const char *line, size_t len, bool nul)
{
	const char *name = memchr(line, '\t', len), *end = line + len;
	const char *version, *text;
	char what[16] = "", plain[4 * NAME_MAX_BYTES + 1];
	enum err e;

	text = last_tab(line, end);
	version = text != NULL ? last_tab(line, text) : NULL;
	if (name == NULL || version == NULL || version <= name ||
	    (size_t)(name - line) >= sizeof what)
		return EC_EINVAL;
	memcpy(what, line, (size_t)(name - line));
	if (!scan_what_parse(&f->what, what))
		return EC_EINVAL;
	if (f->what == SCAN_LITTER || f->what == SCAN_DRIVE)
		return EC_OK;
	name++;
	len = (size_t)(version - name);
	if (len >= sizeof plain || memchr(name, '\0', len) != NULL)
		return EC_EINVAL;
	memcpy(plain, name, len);
	plain[len] = '\0';
	if (!nul && (e = unescape(plain, name, len)) != EC_OK)
		return e;
	if ((e = take_name(f, plain, strlen(plain))) != EC_OK)
		return e;
	return take_version(f, version + 1, (size_t)(text - version - 1));
}

enum err
finding_parse(struct finding *out, const char *line, size_t len, bool nul)
{
	memset(out, 0, sizeof *out);
	if (!nul && len > 0 && line[0] == '{')
		return finding_json_parse(out, line, len);
	return parse_line(out, line, len, nul);
}
