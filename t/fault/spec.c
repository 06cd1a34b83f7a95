/* spec: what EC_FAULT says. */
#include "fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const fault_kinds[] = { "open", "openat", "write", "pwrite",
	"pwritev", "read", "pread", "fsync", "fdatasync", "rename", "renameat",
	"mmap", "malloc", "own", "ftruncate", "unlink", "mkdir", "link",
	"send", "io" };

static const char *const action_names[] = { "error", "kill", "torn", "short",
	"delay" };

static const struct { const char *name; int errnum; } errnos[] = {
	{ "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EROFS", EROFS },
	{ "EDQUOT", EDQUOT }, { "EMFILE", EMFILE }, { "ENFILE", ENFILE },
	{ "EINTR", EINTR }, { "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM },
	{ "EACCES", EACCES }, { "EPERM", EPERM }, { "ENOENT", ENOENT },
	{ "EEXIST", EEXIST }, { "EINVAL", EINVAL }, { "ENOTCONN", ENOTCONN },
	{ "ECONNRESET", ECONNRESET }, { "EPIPE", EPIPE },
};

bool
fault_is_memory(enum kind kind)
{
	return kind == MALLOC || kind == OWN;
}

static bool
parse_argument(struct fault *f, const char *s)
{
	f->argument = fault_is_memory(f->kind) || f->kind == MMAP ? ENOMEM :
	    EIO;
	if (*s == '\0')
		return true;
	if (f->action == DELAY) {
		f->argument = atoi(s);
		return f->argument > 0;
	}
	for (size_t i = 0; i < COUNT(errnos); i++)
		if (strcmp(s, errnos[i].name) == 0) {
			f->argument = errnos[i].errnum;
			return true;
		}
	return false;
}

bool
fault_parse(struct fault *f, char *spec)
{
	char *at = strchr(spec, '@'), *colon, *end;
	size_t i;

	if (at != NULL) {
		*at = '\0';
		for (i = 0; i < COUNT(action_names); i++)
			if (strcmp(spec, action_names[i]) == 0)
				break;
		if (i == COUNT(action_names))
			return false;
		f->action = (enum action)i;
		spec = at + 1;
	}
	if ((colon = strchr(spec, ':')) == NULL)
		return false;
	*colon = '\0';
	for (i = 0; i < COUNT(fault_kinds); i++)
		if (strcmp(spec, fault_kinds[i]) == 0)
			break;
	if (i == COUNT(fault_kinds))
		return false;
	f->kind = (enum kind)i;
	f->nth = strtoul(colon + 1, &end, 10);
	if (end == colon + 1)
		return false;
	if ((f->onwards = *end == '+'))
		end++;
	if (*end != '\0' && *end != ':')
		return false;
	return parse_argument(f, *end == ':' ? end + 1 : "");
}
