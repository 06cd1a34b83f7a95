/* ec-s3d: serve erasure-coded drives as an S3 store. */
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "background.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/os_linux.h"
#include "credentials.h"
#include "front.h"
#include "net/secure.h"
#include "store/config.h"

enum {
	GRACE_MS = 3500,	/* of the 5 s that SIGTERM may take */
	LISTEN_FD = 3,		/* sd_listen_fds(3) */
};

struct settings {
	const char *address, *parity, *node, *hook;
	bool explain;
	struct secure secure;
	int fd;			/* instead of address; -1: none */
	char *region, *domain;
	struct credentials root;
	const char *etag;
	bool sigv2;
};

/* A socket that the service manager hands over; -1 if there is none.  To be
 * asked before anything is opened that could get its number. */
static enum err
inherited_socket(int *out)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int listening = 0;
	socklen_t len = sizeof(listening);

	*out = -1;
	if (pid == NULL || fds == NULL ||
	    strtol(pid, NULL, 10) != (long)getpid())
		return EC_OK;
	if (strcmp(fds, "1") != 0 || getsockopt(LISTEN_FD, SOL_SOCKET,
	    SO_ACCEPTCONN, &listening, &len) != 0 || !listening ||
	    fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC) != 0) {
		log_error("LISTEN_FDS is set, and descriptor 3 is not the one "
		    "listening socket");
		return EC_EINVAL;
	}
	*out = LISTEN_FD;
	return EC_OK;
}

static enum err
settings_load(struct settings *s)
{
	enum err e;

	if ((e = inherited_socket(&s->fd)) != EC_OK ||
	    (e = credentials_load(&s->root)) != EC_OK ||
	    (e = config_get("EC_REGION", &s->region)) != EC_OK ||
	    (e = config_get("EC_DOMAIN", &s->domain)) != EC_OK)
		return e;
	if (s->region == NULL && (s->region = strdup("us-east-1")) == NULL)
		return EC_ENOMEM;
	if (strlen(s->region) > SIGV4_REGION_MAX ||
	    strpbrk(s->region, "/, ") != NULL) {
		log_error("EC_REGION is not the name of a region");
		return EC_EINVAL;
	}
	return EC_OK;
}

static void
announce(const struct store *store, const struct http_server *http,
    const char *scheme, const char *address, uint64_t start_us)
{
	const char *colon = strrchr(address, ':');
	int host = colon != NULL ? (int)(colon - address) : 0;
	const char *name = host > 0 ? address : "0.0.0.0";

	log_info("serving %u drives in %u sets on %s://%.*s:%u (started "
	    "in %llu ms)", store_drive_count(store), store_sets(store), scheme,
	    host > 0 ? host : 7, name, http_server_port(http),
	    (unsigned long long)(clock_mono_us() - start_us) / 1000);
	os_notify("READY=1");
}

/* For store_open: a signal is there already. */
static bool
must_end(void *ctx)
{
	const sigset_t *end = ctx;
	sigset_t now;

	sigemptyset(&now);
	sigpending(&now);
	return (sigismember(end, SIGTERM) && sigismember(&now, SIGTERM)) ||
	    sigismember(&now, SIGINT);
}

static void
wait_end(struct tls *tls, const sigset_t *end)
{
	log_info("signal %d: ending", secure_wait(tls, end));
	os_notify("STOPPING=1");
}

/* Open the store and serve it until a signal; then let what is under way end.
 * The port is open before there is a store: other nodes need it, and nothing is
 * formatted when somebody else has it. */
static enum err
serve(struct settings *s, struct cluster *cluster, struct store_params *params,
    sigset_t *end)
{
	const struct iam_root root = { s->root.user, s->root.password };
	const struct server_params served = { .root = &root,
		.region = s->region, .domain = s->domain, .sigv2 = s->sigv2,
		.fast_etag = strcmp(s->etag, "fast") == 0 };
	uint64_t start_us = clock_mono_us();
	struct http_listen listen = { .address = s->address,
		.fd = s->fd };
	struct front front = { .cluster = cluster };
	struct http_service service = { &front, front_handle };
	struct store *store = NULL;
	struct server *server = NULL;
	struct background *background = NULL;
	struct http_server *http = NULL;
	enum secure_nodes expected = SECURE_NODES_NONE;
	struct tls *tls = NULL;
	enum err e;

	if (cluster_self(cluster) != NULL)
		expected = cluster_endpoints(cluster)->tls ? SECURE_NODES_TLS :
		    SECURE_NODES_NO;
	if ((e = secure_open(&tls, &s->secure, s->address, s->fd,
	    expected)) != EC_OK)
		goto out;
	listen.tls = tls;
	params->cluster = cluster;
	params->stop = must_end;
	params->ctx = end;
	if ((e = http_server_start(&http, &listen, &service)) != EC_OK ||
	    (e = store_open(&store, params)) != EC_OK ||
	    (e = server_new(&server, store, &served)) != EC_OK ||
	    (e = background_start(&background, store, s->hook)) != EC_OK)
		goto out;
	atomic_store(&front.server, server);
	announce(store, http, tls != NULL ? "https" : "http", s->address,
	    start_us);
	wait_end(tls, end);
	server->draining = true;
out:
	http_server_stop(http, GRACE_MS);
	cluster_retire(cluster);	/* nobody waits for a silent node */
	background_stop(background);
	server_free(server);
	store_close(store);
	tls_free(tls);
	if (e == EC_ECANCELED && must_end(end)) {
		wait_end(NULL, end);
		e = EC_OK;
	}
	return e;
}

static enum err
explain(const struct cluster_params *p, int parity)
{
	struct endpoints es = ENDPOINTS_INIT;
	struct buf text = BUF_INIT(16 << 20);
	enum err e;

	if ((e = cluster_volumes(&es, p)) != EC_OK)
		return e;
	if ((e = endpoints_explain(&es, parity, &text)) == EC_EINVAL)
		log_error("--parity %d: more than half of a set", parity);
	if (e == EC_OK && (fputs(buf_str(&text), stdout) == EOF ||
	    fflush(stdout) != 0)) {
		log_error("standard output: cannot be written");
		e = EC_EIO;
	}
	buf_release(&text);
	endpoints_release(&es);
	return e;
}

static enum err
run(struct settings *s, struct store_params *params, sigset_t *end)
{
	const struct cluster_params cp = { .volumes = params->volumes,
		.volume_count = params->volume_count, .server = true,
		.node = s->node, .address = s->address,
		.tls_ca = s->secure.ca };
	struct cluster *cluster = NULL;
	enum err e;

	if (s->explain)
		return explain(&cp, params->parity);
	if ((e = settings_load(s)) != EC_OK ||
	    (e = cluster_new(&cluster, &cp)) != EC_OK)
		return e;
	if (s->address == NULL)
		s->address = cluster_self(cluster) != NULL ?
		    cluster_self(cluster) : "127.0.0.1:9000";
	e = serve(s, cluster, params, end);
	cluster_free(cluster);
	return e;
}

int
main(int argc, char *argv[])
{
	struct settings s = { .fd = -1, .root = CREDENTIALS_INIT,
		.etag = "md5" };
	const struct opt opts[] = {
		OPT_STR('a', "address", &s.address, "host:port",
		    "where to listen; no host: everywhere; port 0: a free one"),
		OPT_STR('n', "node", &s.node, "host:port",
		    "which node of the drives' names this one is"),
		OPT_FLAG('x', "explain", &s.explain,
		    "print the sets and what they may lose, and exit"),
		OPT_STR(0, "hook", &s.hook, "path",
		    "a program, or a folder of them, to run on events"),
		OPT_STR(0, "etag", &s.etag, "md5 | fast",
		    "what ETag objects get that are written: their MD5, or one "
		    "that costs nothing"),
		OPT_FLAG(0, "sigv2", &s.sigv2,
		    "take Signature Version 2 too, for old clients"),
		OPT_STR(0, "tls-cert", &s.secure.cert, "file",
		    "the certificate to show, and TLS with it"),
		OPT_STR(0, "tls-key", &s.secure.key, "file", "its key"),
		OPT_STR(0, "tls-ca", &s.secure.ca, "file",
		    "who vouches for the other nodes' certificates"),
		OPT_FLAG(0, "plaintext", &s.secure.plaintext,
		    "no TLS, though other machines can reach it"),
		OPT_STR('m', "parity", &s.parity, "n",
		    "drives of a set that may be lost"),
		OPT_END("[drives ...]"),
	};
	struct store_params params = { .parity = -1, .create = true,
		.serve = true };
	uint64_t parity;
	sigset_t end, hup;
	enum err e;

	os_few_heaps();
	setlocale(LC_CTYPE, "C.UTF-8");	/* for names in archives */
	log_init(argv[0]);
	if (getenv("EC_LOG") == NULL)
		log_level_set(LOG_LEVEL_INFO);
	opt_parse(opts, &argc, &argv);
	log_stamps();
	if (s.parity != NULL) {
		if (num_parse(&parity, s.parity, 0, SET_DRIVES_MAX / 2) !=
		    EC_OK)
			opt_misuse("--parity takes a number from 0 to %d",
			    SET_DRIVES_MAX / 2);
		params.parity = (int)parity;
	}
	if (strcmp(s.etag, "md5") != 0 && strcmp(s.etag, "fast") != 0)
		opt_misuse("--etag takes md5 or fast");
	params.volumes = argc > 0 ? (const char *const *)argv : NULL;
	params.volume_count = (unsigned)argc;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	pthread_sigmask(SIG_BLOCK, &end, NULL);	/* in later threads too */
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	if (s.secure.cert != NULL)
		pthread_sigmask(SIG_BLOCK, &hup, NULL);
	e = run(&s, &params, &end);
	credentials_release(&s.root);
	free(s.region);
	free(s.domain);
	return err_exit(e);
}
