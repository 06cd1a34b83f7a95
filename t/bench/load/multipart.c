#include "multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "payload.h"

enum { PARTS_MAX = 10000, ID_MAX = 256 };

struct multipart {
	const struct target *t;
	const char *bucket;
	uint64_t size, part;
	unsigned run, object;
	enum { BEGIN, PARTS, COMPLETE } stage;
	bool waiting;		/* for the answer of BEGIN or COMPLETE */
	char id[ID_MAX];
	unsigned parts, sent, answered;
	char (*etag)[80];
	struct buf list;	/* the body of COMPLETE */
};

enum err
multipart_new(struct multipart **out, const struct target *t,
    const char *bucket, uint64_t size, uint64_t part, unsigned run)
{
	struct multipart *m = mem_array(1, sizeof(*m));
	uint64_t parts = num_div_up(size, part);

	if (m == NULL)
		return EC_ENOMEM;
	*m = (struct multipart){ .t = t, .bucket = bucket, .size = size,
		.part = part, .run = run,
		.parts = (unsigned)num_min(parts, PARTS_MAX),
		.list = BUF_INIT(4 << 20) };
	if ((m->etag = mem_array(m->parts, sizeof(*m->etag))) == NULL) {
		multipart_free(m);
		return EC_ENOMEM;
	}
	*out = m;
	return EC_OK;
}

void
multipart_free(struct multipart *m)
{
	if (m == NULL)
		return;
	buf_release(&m->list);
	free(m->etag);
	free(m);
}

static void
make(const struct multipart *m, const char *method, const char *query,
    struct request *out)
{
	char path[128], extra[48];
	char s[65];

	snprintf(path, sizeof(path), "/%.64s/parts-%u-%u", m->bucket, m->run,
	    m->object);
	snprintf(extra, sizeof(extra), "Content-Length: %llu\r\n",
	    (unsigned long long)(out->mark_len + out->body_len));
	target_sign(m->t, method, path, query, s);
	out->head_len = target_head(m->t, out->head, method, path, query,
	    extra, s);
}

static void
next_part(struct multipart *m, struct request *out)
{
	char query[ID_MAX + 48];
	uint64_t at = m->sent * m->part;

	out->item = m->sent++;
	payload_set(out, num_min(m->part, m->size - at));
	snprintf(query, sizeof(query), "partNumber=%llu&uploadId=%s",
	    (unsigned long long)out->item + 1, m->id);
	make(m, "PUT", query, out);
}

static enum err
complete(struct multipart *m, struct request *out)
{
	char query[ID_MAX + 16];
	enum err e;

	m->list.len = 0;
	e = buf_add_str(&m->list, "<CompleteMultipartUpload>");
	for (unsigned i = 0; i < m->parts && e == EC_OK; i++)
		e = buf_printf(&m->list, "<Part><PartNumber>%u</PartNumber>"
		    "<ETag>%s</ETag></Part>", i + 1, m->etag[i]);
	if (e != EC_OK || (e = buf_add_str(&m->list,
	    "</CompleteMultipartUpload>")) != EC_OK)
		return e;
	out->body = m->list.data;
	out->body_len = m->list.len;
	snprintf(query, sizeof(query), "uploadId=%s", m->id);
	make(m, "POST", query, out);
	m->waiting = true;
	return EC_OK;
}

enum err
multipart_next(struct multipart *m, struct request *out)
{
	out->mark_len = out->body_len = 0;
	out->bodiless = false;
	out->keep = m->stage != PARTS;
	if (m->waiting || (m->stage == PARTS && m->sent == m->parts))
		return EC_EBUSY;
	if (m->stage == COMPLETE)
		return complete(m, out);
	if (m->stage == PARTS) {
		next_part(m, out);
		return EC_OK;
	}
	make(m, "POST", "uploads=", out);
	m->waiting = true;
	return EC_OK;
}

static enum err
begun(struct multipart *m, const char *answer)
{
	const char *id = strstr(answer, "<UploadId>");
	size_t n;

	if (id == NULL)
		return EC_EIO;
	id += strlen("<UploadId>");
	n = strcspn(id, "<");
	if (n >= sizeof(m->id))
		return EC_EIO;
	memcpy(m->id, id, n);
	m->id[n] = '\0';
	m->stage = PARTS;
	m->sent = m->answered = 0;
	return EC_OK;
}

enum err
multipart_done(struct multipart *m, const struct conn *c)
{
	m->waiting = false;
	switch (m->stage) {
	case BEGIN:
		return begun(m, c->kept);
	case PARTS:
		snprintf(m->etag[c->rq.item], sizeof(*m->etag), "%s", c->etag);
		if (++m->answered == m->parts)
			m->stage = COMPLETE;
		return EC_OK;
	case COMPLETE:
	default:
		m->object++;
		m->stage = BEGIN;
		return strstr(c->kept, "<Error>") == NULL ? EC_OK : EC_EIO;
	}
}
