/* remote_drive and drive_service, back to back over a Unix socket: every
 * operation arrives as it was meant, every error comes back as itself. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/clock.h"
#include "drive/local.h"
#include "drive_conformance.h"
#include "http_raw.h"
#include "canned_drive.h"
#include "net/drive_service.h"
#include "net/remote_drive.h"
#include "net/wire.h"

static char dir[] = "/tmp/net-remote-drive.XXXXXX", path[64];
static struct memory_drive *memory;
static struct lane *lane;
static struct drive_service *service;
static struct http_server *server;
static struct http_client *client;
static struct peer *peer;
static struct peer_auth *auth;
static struct drive *remote;
static struct uuid id;

static void
start(void)
{
	struct http_listen l = { .unix_path = path, .fd = -1 };
	struct http_service s;

	drive_service_http(service, &s);
	if (http_server_start(&server, &l, &s) != EC_OK)
		exit(1);
}

static void
setup(void)
{
	char text[UUID_TEXT_BYTES], address[80];

	if (mkdtemp(dir) == NULL)
		exit(1);
	snprintf(path, sizeof(path), "%s/drives", dir);
	snprintf(address, sizeof(address), "unix:%s", path);
	memory = memory_drive_new();
	id = memory->format.drive;
	uuid_text(text, &id);
	if (lane_new(&lane, &memory->d, "memory") != EC_OK ||
	    drive_service_new(&service) != EC_OK ||
	    drive_service_add(service, &id, lane) != EC_OK ||
	    http_client_new(&client, "http://localhost", path, 500) != EC_OK ||
	    peer_new(&peer, address, NULL, 500) != EC_OK ||
	    remote_drive_new(&remote, peer, text, "there") != EC_OK)
		exit(1);
	start();
}

static void
test_append(void)
{
	struct drive_append a[4] = {
		{ .rec = "one", .len = 3, .flags = DRIVE_APPEND_NEWEST },
		{ .rec = "two", .len = 3, .flags = DRIVE_APPEND_LAZY },
		{ .rec = "three", .len = 5 },
		{ .rec = "four", .len = 4, .flags = DRIVE_APPEND_NEWEST },
	};
	static uint8_t big[RECORD_BYTES_MAX];

	tap_ok(remote->ops->append(remote, a, 4) == EC_OK, "append");
	tap_is_u64(memory->append_n, 4, "as one batch");
	tap_is_str(memory->append_text, "onetwothreefour", "the records");
	tap_ok(a[0].err == EC_OK && a[1].err == EC_ESTALE &&
	    a[3].hlc == 3000 + (1ull << 60) && a[1].superseded &&
	    !a[2].superseded, "their results");
	memory->append_err = EC_ENOSPC;
	tap_ok(remote->ops->append(remote, a, 4) == EC_ENOSPC,
	    "the error of all");
	memory->append_err = EC_OK;
	memset(big, 'x', sizeof(big));
	a[0] = (struct drive_append){ .rec = big, .len = sizeof(big) };
	a[1] = a[2] = a[3] = a[0];
	tap_ok(remote->ops->append(remote, a, 4) == EC_OK,
	    "the largest records");
	tap_ok(remote->ops->append(remote, a, 0) == EC_ELIMIT, "none");
}

static void
test_query(void)
{
	struct drive_query q = { .table = DRIVE_VERSIONS, .bucket = "b",
	    .prefix = "p/", .after_key = "", .after_stamp = { 1, 2 },
	    .target = { 3, ~0ull }, .null_only = true, .want_parts = true,
	    .limit = 10000 };
	struct drive_records out = DRIVE_RECORDS_INIT;
	const uint8_t *rec;
	size_t pos = 0, len;
	unsigned n = 0;
	bool same = true;
	char text[32];

	memory->answers = 1000;
	drive_records_add(&out, "was there", 9);
	tap_ok(remote->ops->query(remote, &q, &out) == EC_OK, "query");
	tap_is_str(memory->query_text, "b|-|p/|-|", "texts and their absence");
	tap_ok(memory->query.table == DRIVE_VERSIONS &&
	    memory->query.limit == 10000 && memory->query.null_only &&
	    !memory->query.newest_only && !memory->query.want_inline &&
	    memory->query.want_parts && memory->query.after_stamp.id == 2 &&
	    memory->query.target.hlc == 3 && memory->query.target.id == ~0ull,
	    "and the rest");
	while (drive_records_next(&out, &pos, &rec, &len)) {
		snprintf(text, sizeof(text), n == 0 ? "was there" :
		    "record %u", n - 1);
		same = same && len == strlen(text) &&
		    memcmp(rec, text, len) == 0;
		n++;
	}
	tap_ok(same && n == 1001, "answers behind what was there");
	memory->answers = 0;
	q = (struct drive_query){ .table = DRIVE_HEALS, .limit = 1 };
	out.buf.len = 0;
	tap_ok(remote->ops->query(remote, &q, &out) == EC_OK &&
	    out.buf.len == 0 && memory->query.table == DRIVE_HEALS,
	    "an empty answer");
	memory->query_err = EC_ECORRUPT;
	tap_ok(remote->ops->query(remote, &q, &out) == EC_ECORRUPT,
	    "an error");
	memory->query_err = EC_OK;
	buf_release(&out.buf);
}

/* How often the drive behind is read for a file that is read in order. */
static void
test_reads(void)
{
	enum { PIECES = 16, PIECE = 128 * 1024, BYTES = PIECES * PIECE };
	static uint8_t buf[PIECE];
	const struct drive_ops *ops = remote->ops;
	struct drive_reader *r = NULL;
	struct uuid data = uuid_new();
	bool good = true;
	uint64_t size;

	tap_ok(conform_write(remote, &data, 1, BYTES, true) == EC_OK, "write");
	memory->preads = 0;
	tap_ok(ops->shard_open(remote, &data, 1, &r, &size) == EC_OK &&
	    ops->shard_peek(r, buf, 100, BYTES - 100) &&
	    buf[99] == conform_byte(BYTES - 1), "its end comes with its size");
	ops->shard_expect(r, 0, BYTES);
	for (size_t at = 0; at < BYTES; at += PIECE)
		good = good && ops->shard_pread(r, buf, PIECE, at) == EC_OK &&
		    buf[7] == conform_byte(at + 7);
	tap_ok(good, "all of it");
	tap_is_u64(memory->preads, 1 + BYTES / WIRE_READ_MAX, "reads");
	ops->shard_close(r);
	ops->shard_remove(remote, &data, 1);
}

/* Ask the service what remote_drive never would. */
static unsigned
ask(const char *method, const char *op, const char *header, const char *body,
    size_t len, char *refusal)
{
	const char *const headers[] = { header, NULL };
	struct http_call call = { .method = method, .headers = headers,
	    .body = body, .body_len = len, .timeout_ms = 5000 };
	char target[512], text[UUID_TEXT_BYTES];

	uuid_text(text, &id);
	snprintf(target, sizeof(target), op[0] == '/' ? "%s%s" :
	    DRIVE_SERVICE_PATH "%s/%s", op[0] == '/' ? "" : text, op);
	call.path = target;
	http_client_call(client, &call);
	strcpy(refusal, call.refusal);
	return call.status;
}

static void
test_hostile(void)
{
	static const char *const bad[] = { "/", "/.ec/drive/", "/.ec/drive/x/y",
	    "nothing", "shard", "shard/", "shard/x", "size/"
	    "00000000-0000-4000-8000-000000000000", "size/"
	    "00000000-0000-4000-8000-000000000000-", "size/"
	    "00000000-0000-4000-8000-000000000000-256", "size/"
	    "00000000-0000-4000-8000-000000000000-0?x=1", "size/"
	    "../../../../etc/passwd/../../../../etc/passwd-1" };
	char refusal[HTTP_REFUSAL_MAX];
	unsigned status;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		status = ask("GET", bad[i], "Ec-Wire: 1", NULL, 0, refusal);
		tap_ok((status == 400 && strcmp(refusal, "EC_EINVAL\n") == 0) ||
		    (status == 501 && strcmp(refusal, "EC_ENOTIMPL\n") == 0),
		    "CVE-2026-42600: %s: %u", bad[i], status);
	}
	tap_ok(ask("GET", "space", "Ec-Wire: 2", NULL, 0, refusal) == 500 &&
	    strcmp(refusal, "EC_EFORMAT\n") == 0, "another version");
	tap_ok(ask("GET", "space", "X: 1", NULL, 0, refusal) == 500,
	    "no version");
	tap_ok(ask("POST", DRIVE_SERVICE_PATH "batch", "Ec-Wire: 1", "junk", 4,
	    refusal) == 500 && strcmp(refusal, "EC_ECORRUPT\n") == 0,
	    "GHSA-gw2x: a batch of junk");
	tap_ok(ask("POST", DRIVE_SERVICE_PATH "batch", "Ec-Wire: 1", "", 0,
	    refusal) == 400 && strcmp(refusal, "EC_EINVAL\n") == 0,
	    "an empty batch");
	tap_ok(ask("POST", "list", "Ec-Wire: 1", "abcdefghijklmnop", 16,
	    refusal) == 500, "a list without its sum");
	tap_ok(ask("GET", "shard/00000000-0000-4000-8000-000000000000-0",
	    "Ec-Wire: 1", NULL, 0, refusal) == 400, "a read without a range");
}

static void
test_shard_errors(void)
{
	struct uuid data = uuid_new();
	struct drive_writer *w = NULL;
	static uint8_t block[1 << 20];
	unsigned aborted = memory->aborted;
	enum err e = EC_OK;

	remote->ops->shard_create(remote, &data, 0, 0, &w);
	remote->ops->shard_write(w, block, 100);
	remote->ops->shard_abort(w);
	for (int i = 0; i < 2000 && memory->aborted == aborted; i++)
		usleep(1000);
	tap_is_u64(memory->aborted, aborted + 1,
	    "a cut upload is aborted there");
	memory->write_err = EC_ENOSPC;
	remote->ops->shard_create(remote, &data, 0, 0, &w);
	for (int i = 0; i < 100 && e == EC_OK; i++)
		e = remote->ops->shard_write(w, block, sizeof(block));
	tap_ok(e == EC_ENOSPC, "a failed write is heard while writing: %s",
	    err_name(e));
	tap_ok(remote->ops->shard_commit(w) != EC_OK, "no commit then");
	remote->ops->shard_create(remote, &data, 0, 0, &w);
	remote->ops->shard_write(w, block, 10);
	tap_ok(remote->ops->shard_commit(w) == EC_ENOSPC,
	    "or at the commit");
	memory->write_err = EC_OK;
}

static void
test_peers(void)
{
	struct drive *other = NULL;
	struct format f;
	uint64_t from, connects;
	struct drive_space space;

	connects = peer_connects(peer);
	for (int i = 0; i < 100; i++)
		remote->ops->space(remote, &space);
	tap_is_u64(peer_connects(peer), connects,
	    "100 calls make no new connection");
	tap_ok(remote_drive_new(&other, peer, "nonsense", "x") == EC_EINVAL,
	    "an id that is none");
	remote_drive_new(&other, peer,
	    "00000000-0000-4000-8000-000000000000", "x");
	tap_ok(other->ops->probe(other, &f) == EC_EOFFLINE,
	    "a drive the peer has not");
	drive_close(other);
	memory->probe_err = EC_EFOREIGN;
	tap_ok(remote->ops->probe(remote, &f) == EC_EFOREIGN,
	    "a drive that is another");
	memory->probe_err = EC_OK;
	tap_ok(drive_service_add(service, &id, lane) == EC_EEXIST,
	    "a drive twice");
	drive_service_remove(service, &id);
	tap_ok(remote->ops->probe(remote, &f) == EC_EOFFLINE, "removed");
	drive_service_remove(service, &id);
	drive_service_add(service, &id, lane);
	tap_ok(remote->ops->probe(remote, &f) == EC_OK, "added again");
	http_server_stop(server, 1000);
	from = clock_mono_us();
	tap_ok(remote->ops->probe(remote, &f) == EC_EOFFLINE &&
	    clock_mono_us() - from < 1500000, "a dead peer: offline at once");
	start();
	tap_ok(remote->ops->probe(remote, &f) == EC_OK,
	    "back with the same client");
}

/* A real drive, first itself, then behind the wire. */
static void
test_local(void)
{
	char place[64], text[UUID_TEXT_BYTES], command[128];
	struct format f = kit_format();
	struct drive *d = NULL, *r = NULL;
	struct lane *l = NULL;

	snprintf(place, sizeof(place), "%s/drive", dir);
	mkdir(place, 0700);
	uuid_text(text, &f.drive);
	if (local_format(place, &f) != EC_OK ||
	    local_open(&d, place, "", NULL) != EC_OK ||
	    lane_new(&l, d, "local") != EC_OK ||
	    drive_service_add(service, &f.drive, l) != EC_OK ||
	    remote_drive_new(&r, peer, text, "there") != EC_OK)
		exit(1);
	for (int i = 0; i < 2; i++) {
		tap_note(i == 0 ? "a local drive" : "it behind the wire");
		conform_shard_files(i == 0 ? d : r);
		conform_quarantine(i == 0 ? d : r);
		conform_shard_list(i == 0 ? d : r);
		conform_versions(i == 0 ? d : r);
		if (i == 1) {
			conform_uploads(r);
			conform_closed(r);
		}
		d->ops->probe(d, &f);
		conform_identity(i == 0 ? d : r, &f);
	}
	drive_close(r);
	drive_service_remove(service, &f.drive);
	lane_free(l);
	snprintf(command, sizeof(command), "rm -rf %s", place);
	tap_ok(system(command) == 0, "and nothing is left");
}

/* As another node serves it: over TCP, to holders of the secret. */
static void
signed_handle(void *ctx, struct http_exchange *x)
{
	if (!drive_service_serve(ctx, x, auth))
		http_answer(x, 404, "", 0);
}

/* Bytes to ${port} and how the answer begins. */
static void
say(unsigned port, const char *bytes, char *answer, size_t max)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t n = -1;

	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
	    write(fd, bytes, strlen(bytes)) == (ssize_t)strlen(bytes))
		n = read(fd, answer, max - 1);
	answer[n > 0 ? n : 0] = '\0';
	close(fd);
}

static void
test_strangers(const char *address, unsigned port, const char *text)
{
	struct peer_auth *wrong = NULL;
	struct drive *d = NULL;
	struct peer *p = NULL;
	struct drive_writer *w = NULL;
	struct uuid data = uuid_new();
	char request[512], answer[512];
	unsigned committed = memory->committed;
	struct format f;
	enum err e;

	if (peer_auth_new(&wrong, "another secret 01", 17) != EC_OK ||
	    peer_new(&p, address, wrong, 500) != EC_OK ||
	    remote_drive_new(&d, p, text, "stranger") != EC_OK)
		exit(1);
	tap_ok(d->ops->probe(d, &f) == EC_EOFFLINE, "another secret: offline");
	tap_ok(d->ops->shard_remove(d, &data, 0) == EC_EOFFLINE, "no remove");
	e = d->ops->shard_create(d, &data, 0, 0, &w);
	if (e == EC_OK)
		e = d->ops->shard_commit(w);
	tap_ok(e == EC_EOFFLINE && memory->committed == committed,
	    "no upload");
	drive_close(d);
	peer_free(p);
	peer_auth_free(wrong);
	snprintf(request, sizeof(request), "GET " DRIVE_SERVICE_PATH
	    "%s/space HTTP/1.1\r\nHost: x\r\nEc-Wire: 1\r\n\r\n", text);
	say(port, request, answer, sizeof(answer));
	tap_ok(strncmp(answer, "HTTP/1.1 403", 12) == 0,
	    "no signature: denied");
	snprintf(request, sizeof(request), "PUT " DRIVE_SERVICE_PATH
	    "%s/shard/00000000-0000-4000-8000-000000000000-0 HTTP/1.1\r\n"
	    "Host: x\r\nEc-Wire: 1\r\nContent-Length: 0\r\n\r\n", text);
	say(port, request, answer, sizeof(answer));
	tap_ok(strncmp(answer, "HTTP/1.1 403", 12) == 0 &&
	    memory->committed == committed, "nor an upload");
}

static void
test_signed(const struct format *f)
{
	struct http_listen l = { .address = "127.0.0.1:0", .fd = -1 };
	struct http_service s = { service, signed_handle };
	struct http_server *tcp = NULL;
	struct drive *was = remote;
	char address[32], text[UUID_TEXT_BYTES];
	struct peer *p = NULL;
	unsigned port;

	tap_note("the same over TCP, signed");
	uuid_text(text, &id);
	if (peer_auth_new(&auth, "a secret of 17 b.", 17) != EC_OK ||
	    http_server_start(&tcp, &l, &s) != EC_OK)
		exit(1);
	port = http_server_port(tcp);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	if (peer_new(&p, address, auth, 500) != EC_OK ||
	    remote_drive_new(&remote, p, text, "there") != EC_OK)
		exit(1);
	conform_identity(remote, f);
	conform_shard_files(remote);
	conform_shard_list(remote);
	test_reads();
	test_append();
	test_query();
	test_shard_errors();
	test_strangers(address, port, text);
	drive_close(remote);
	remote = was;
	peer_free(p);
	http_server_stop(tcp, 1000);
	peer_auth_free(auth);
}

int
main(void)
{
	struct format f;

	setup();
	f = memory->format;
	tap_note("the memory drive itself");
	conform_shard_files(&memory->d);
	conform_shard_list(&memory->d);
	conform_identity(&memory->d, &f);
	tap_note("the same behind the wire");
	f = memory->format;
	conform_shard_files(remote);
	conform_shard_list(remote);
	conform_identity(remote, &f);
	test_append();
	test_query();
	test_shard_errors();
	test_hostile();
	test_peers();
	test_local();
	f = memory->format;
	test_signed(&f);
	kit_release();
	drive_close(remote);
	peer_free(peer);
	http_client_free(client);
	http_server_stop(server, 1000);
	drive_service_remove(service, &id);
	drive_service_free(service);
	lane_free(lane);
	rmdir(dir);
	return tap_done();
}
