#include "drive/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/os_linux.h"

static const char address_line[] = "\naddress ";

/* The owner may be writing it just now: then it is not known yet, "". */
static enum err
address_read(int fd, char **out)
{
	char text[OWNER_ADDRESS_MAX + 64];
	char *p, *end;
	size_t len;
	enum err e;

	if ((e = io_pread_full(fd, text, sizeof text - 1, 0, &len)) != EC_OK)
		return e;
	text[len] = '\0';
	p = strstr(text, address_line);
	if (p == NULL || (end = strchr(p + 1, '\n')) == NULL) {
		*out = strdup("");
	} else {
		*end = '\0';
		*out = strdup(p + strlen(address_line));
	}
	return *out != NULL ? EC_OK : EC_ENOMEM;
}

enum err
owner_take(int *fd, int ec_fd, const char *my_address, char **address)
{
	struct buf b = BUF_INIT(OWNER_ADDRESS_MAX + 64);
	enum err e, read;

	if (strchr(my_address, '\n') != NULL ||
	    strlen(my_address) > OWNER_ADDRESS_MAX)
		return EC_EINVAL;
	if ((*fd = os_open_beneath(ec_fd, "owner", O_RDWR | O_CREAT,
	    0600)) < 0)
		return err_from_errno(errno);
	if ((e = os_lock(*fd)) != EC_OK) {
		if (e == EC_EOWNED && address != NULL &&
		    (read = address_read(*fd, address)) != EC_OK)
			e = read;
		goto out;
	}
	if ((e = buf_printf(&b, "pid %ld%s%s\n", (long)getpid(), address_line,
	    my_address)) != EC_OK)
		goto out;
	if (ftruncate(*fd, 0) != 0)
		e = err_from_errno(errno);
	else
		e = io_pwrite_full(*fd, b.data, b.len, 0);
out:
	if (e != EC_OK) {
		close(*fd);
		*fd = -1;
	}
	buf_release(&b);
	return e;
}
