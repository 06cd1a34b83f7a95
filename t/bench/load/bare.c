/* bare: the HTTP server of ec-s3d with nothing behind it: what an S3 server on
 * it could do at most.  Any PUT, POST and DELETE is well, any GET gives the
 * size that the key names ("fill-4096-7", else 4 KiB) or the range of it, from
 * memory.  Prints its port; serves until killed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include "base/num.h"
#include "net/http_server.h"

enum { BLOCK = 128 * 1024, PIECE = 1024 * 1024, CONNECTIONS_MAX = 4096 };

static uint8_t piece[PIECE];

static void
send_zeros(struct http_exchange *x, unsigned status, uint64_t len)
{
	if (len <= PIECE) {
		http_answer(x, status, piece, (size_t)len);
		return;
	}
	http_answer_start(x, status, len);
	while (len > 0 && http_write(x, piece, num_min(len, PIECE)) == EC_OK)
		len -= num_min(len, PIECE);
	http_answer_end(x);
}

static void
handle(void *ctx, struct http_exchange *x)
{
	static const char begun[] = "<UploadId>1</UploadId>";
	const char *fill = strstr(http_target(x), "/fill-");
	bool get = http_method(x)[0] == 'G' || http_method(x)[0] == 'H';
	uint8_t buf[BLOCK];
	size_t got = 1;

	(void)ctx;
	while (!get && got > 0 && http_read(x, buf, sizeof(buf), &got) ==
	    EC_OK)
		;
	if (!get)
		http_answer_header(x, "ETag", "\"1\"");
	if (!get && http_method(x)[1] == 'O')
		http_answer(x, 200, begun, strlen(begun));
	else if (!get)
		http_answer(x, 200, NULL, 0);
	else if (http_header(x, "Range") != NULL)
		send_zeros(x, 206, 4096);
	else
		send_zeros(x, 200, fill == NULL ? 4096 :
		    strtoull(fill + 6, NULL, 10));
}

int
main(void)
{
	const struct http_listen l = { .address = "127.0.0.1:0", .fd = -1,
		.connections_max = CONNECTIONS_MAX };
	const struct http_service s = { NULL, handle };
	struct http_server *server;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (http_server_start(&server, &l, &s) != EC_OK)
		return 1;
	printf("%u\n", http_server_port(server));
	fflush(stdout);
	for (;;)
		pause();
}
