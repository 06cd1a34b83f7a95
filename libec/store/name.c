#include <string.h>

#include "base/log.h"
#include "store/name.h"
#include "store/store.h"

enum err
name_split(struct name *out, const char *text)
{
	size_t len = strcspn(text, "/");
	const char *key = text[len] == '/' ? text + len + 1 : "";

	if (len <= RECORD_BUCKET_MAX) {
		memcpy(out->bucket, text, len);
		out->bucket[len] = '\0';
	}
	if (len > RECORD_BUCKET_MAX ||
	    object_bucket_valid(out->bucket) != EC_OK) {
		log_error("%.*s: not a bucket name: 3 to 63 of a-z 0-9 . -",
		    (int)(len > 80 ? 80 : len), text);
		return EC_EINVAL;
	}
	if (key[0] != '\0' && object_key_valid(key) != EC_OK) {
		log_error("%.80s: not a key: 1 to %d bytes of UTF-8", text,
		    RECORD_KEY_MAX);
		return EC_EINVAL;
	}
	strcpy(out->key, key);
	return EC_OK;
}

void
name_log_failure(const char *what, enum err e)
{
	const char *why = store_complaint();

	if ((e == EC_EQUORUM || e == EC_ELOST || e == EC_ENOSPC) &&
	    why[0] != '\0')
		log_error("%s: %s (%s)", what, err_text(e), why);
	else
		log_error("%s: %s", what, err_text(e));
}
