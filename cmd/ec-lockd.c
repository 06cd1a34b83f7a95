/* ec-lockd: a lock daemon; and, from the shell, a command under its locks. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/os_linux.h"
#include "net/http_server.h"
#include "net/lock_client.h"
#include "net/lock_list.h"
#include "net/lock_peers.h"
#include "net/lock_service.h"
#include "net/secure.h"
#include "store/config.h"

enum { STOP_MS = 2000, WAIT_MAX_S = 4 * 1000 * 1000, LOOK_MS = 100,
	PEERS_TEXT_MAX = 4096 };

struct args {
	const char *address, *peers, *state, *wait;
	struct secure secure;
	struct opt_list names;
	unsigned lease_s;
	bool shared, list, json;
};

/* What all forms need. */
struct setting {
	char *secret, *address, *state;	/* free() */
	struct lock_peers peers;
	struct peer_auth *auth;
};

static void
setting_release(struct setting *s)
{
	peer_auth_free(s->auth);
	free(s->secret);
	free(s->address);
	free(s->state);
	lock_peers_release(&s->peers);
}

/* *${out} is a copy of ${given}, or of the setting ${name}. */
static enum err
setting_get(char **out, const char *given, const char *name)
{
	if (given == NULL)
		return config_get(name, out);
	*out = strdup(given);
	return *out != NULL ? EC_OK : EC_ENOMEM;
}

/* Where this user's daemon listens unless told otherwise. */
static enum err
own_socket(char **out)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (dir == NULL || *dir != '/')
		dir = geteuid() == 0 ? "/run" : NULL;
	if (dir == NULL) {
		log_error("where?  Neither --address or --peers nor "
		    "XDG_RUNTIME_DIR is set");
		return EC_EINVAL;
	}
	if (asprintf(out, "unix:%s/ec-lockd.sock", dir) == -1) {
		*out = NULL;
		return EC_ENOMEM;
	}
	return EC_OK;
}

static bool
is_unix(const char *address)
{
	return strncmp(address, "unix:", 5) == 0;
}

static enum err
setting_secret(struct setting *s)
{
	enum err e;

	if ((e = config_get("EC_SECRET", &s->secret)) != EC_OK ||
	    s->secret == NULL)
		return e;
	e = peer_auth_new(&s->auth, s->secret, strlen(s->secret));
	if (e == EC_EINVAL)
		log_error("EC_SECRET has fewer than %d bytes",
		    PEER_AUTH_SECRET_MIN);
	return e;
}

static enum err
need_secret(const struct setting *s, const char *address)
{
	if (s->auth != NULL)
		return EC_OK;
	log_error("%s: not without a secret: set EC_SECRET_FILE to a file "
	    "that has one, of %d bytes or more, on all nodes the same; or use "
	    "a socket, unix:/path", address, PEER_AUTH_SECRET_MIN);
	return EC_EINVAL;
}

static enum err
setting_daemon(struct setting *s, const struct args *a)
{
	enum err e;

	if ((e = setting_secret(s)) != EC_OK ||
	    (e = setting_get(&s->address, a->address, "EC_LOCKD_ADDRESS")) !=
	    EC_OK ||
	    (e = setting_get(&s->state, a->state, "EC_LOCKD_STATE")) != EC_OK)
		return e;
	if (s->address == NULL && (e = own_socket(&s->address)) != EC_OK)
		return e;
	return is_unix(s->address) ? EC_OK : need_secret(s, s->address);
}

static enum err
setting_client(struct setting *s, const struct args *a)
{
	char *peers = NULL, *ca = NULL;
	enum err e;

	if ((e = setting_secret(s)) != EC_OK ||
	    (e = setting_get(&peers, a->peers, "EC_LOCKD")) != EC_OK ||
	    (e = setting_get(&ca, a->secure.ca, "EC_TLS_CA")) != EC_OK ||
	    (peers == NULL && (e = own_socket(&peers)) != EC_OK) ||
	    (e = lock_peers_parse(&s->peers, peers)) != EC_OK)
		goto out;
	if (s->peers.tcp && (e = need_secret(s, peers)) != EC_OK)
		goto out;
	if (s->peers.tls)
		e = peer_auth_tls(s->auth, ca);
out:
	free(peers);
	free(ca);
	return e;
}

static void
handle(void *ctx, struct http_exchange *x)
{
	if (!lock_service_serve(ctx, x))
		http_answer(x, 404, "EC_ENOTFOUND\n", 13);
}

static enum err
run_daemon(const struct setting *s, const struct args *a)
{
	const struct lock_service_params p = { .lease_s = a->lease_s,
	    .state_path = s->state, .auth = s->auth };
	struct http_listen listen = { .fd = -1, .idle_s = 300 };
	struct http_service http = { .handle = handle };
	struct http_server *server = NULL;
	struct lock_service *service = NULL;
	struct tls *tls = NULL;
	sigset_t ends, blocked;
	enum err e;

	log_stamps();
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	blocked = ends;
	if (a->secure.cert != NULL)
		sigaddset(&blocked, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	if ((e = secure_open(&tls, &a->secure, is_unix(s->address) ? NULL :
	    s->address, -1, SECURE_NODES_NONE)) != EC_OK ||
	    (e = lock_service_new(&service, &p)) != EC_OK)
		goto out;
	listen.tls = tls;
	http.ctx = service;
	if (is_unix(s->address))
		listen.unix_path = s->address + 5;
	else
		listen.address = s->address;
	if ((e = http_server_start(&server, &listen, &http)) != EC_OK)
		goto out;
	if (lock_service_grace_ms(service) > 0)
		log_warn("nothing is granted for %u s: locks granted before "
		    "this start may still be held%s",
		    lock_service_grace_ms(service) / 1000, s->state == NULL ?
		    "; --state helps" : "");
	log_info("serving locks on %s%s", tls != NULL ? "https://" : "",
	    s->address);
	os_notify("READY=1");
	secure_wait(tls, &ends);
	os_notify("STOPPING=1");
	lock_service_stop(service);
out:
	http_server_stop(server, STOP_MS);
	lock_service_free(service);
	tls_free(tls);
	return e;
}

static pthread_t main_thread;
static atomic_bool lock_lost;

static void
on_lost(void *ctx)
{
	(void)ctx;
	atomic_store(&lock_lost, true);
	pthread_kill(main_thread, SIGCHLD);	/* look now */
}

/* "host:pid user command", cut to what fits. */
static void
owner_text(char *buf, size_t len, char *const command[])
{
	const struct passwd *pw = getpwuid(geteuid());
	char host[64] = "";
	int n;

	gethostname(host, sizeof(host) - 1);
	n = snprintf(buf, len, "%s:%d %s", host, (int)getpid(),
	    pw != NULL ? pw->pw_name : "?");
	for (; *command != NULL && n > 0 && (size_t)n < len; command++)
		n += snprintf(buf + n, len - (size_t)n, " %s", *command);
	for (; *buf != '\0'; buf++)
		if ((unsigned char)*buf < ' ' || *buf == 127)
			*buf = '?';
}

/* Tell the command the fencing tokens, in the order of the names. */
static enum err
export_tokens(const struct lock_hold *h, size_t n)
{
	struct buf b = BUF_INIT(64 * 32);
	enum err e = EC_OK;

	for (size_t i = 0; i < n && e == EC_OK; i++)
		e = buf_printf(&b, "%s%" PRIu64, i > 0 ? " " : "",
		    lock_hold_token(h, i));
	if (e == EC_OK && setenv("EC_LOCK_TOKEN", buf_str(&b), 1) != 0)
		e = EC_ENOMEM;
	buf_release(&b);
	return e;
}

static _Noreturn void
be_command(char *argv[], const sigset_t *mask, pid_t parent, bool own_group)
{
	if (own_group)
		setpgid(0, 0);
	os_die_with_parent(SIGTERM, parent);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	log_error("%s: %s", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Wait for ${child}, hand on signals, end it when the lock is lost. */
static int
mind(pid_t child, bool own_group, struct lock_hold *h, const sigset_t *set)
{
	const struct timespec look = { 0, LOOK_MS * 1000000 };
	pid_t to = own_group ? -child : child;
	bool told = false;
	int status, sig;

	for (;;) {
		sig = sigtimedwait(set, NULL, &look);
		if (waitpid(child, &status, WNOHANG) == child)
			break;
		if (sig > 0 && sig != SIGCHLD)
			kill(to, sig);
		if (!atomic_load(&lock_lost))
			continue;
		if (!told)
			log_error("too few lock daemons renew the lock: "
			    "ending the command");
		if (!told || lock_hold_left_us(h) <= LOOK_MS * 2000)
			kill(to, told ? SIGKILL : SIGTERM);
		told = true;
	}
	if (told) {
		if (own_group)
			kill(to, SIGKILL);	/* what it left behind */
		return err_exit(EC_ETIMEDOUT);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

static int
run_locked(struct lock_hold *h, size_t n, char *argv[])
{
	static const int handed_on[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP,
		SIGQUIT, SIGUSR1, SIGUSR2 };
	/* On a terminal the command stays in our group: keys reach it. */
	bool own_group = !isatty(STDIN_FILENO);
	pid_t child, parent = getpid();
	sigset_t set, mask;

	if (export_tokens(h, n) != EC_OK) {
		log_error("%s", err_text(EC_ENOMEM));
		return err_exit(EC_ENOMEM);
	}
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(handed_on) / sizeof(*handed_on); i++)
		sigaddset(&set, handed_on[i]);
	pthread_sigmask(SIG_BLOCK, &set, &mask);
	if ((child = fork()) == 0)
		be_command(argv, &mask, parent, own_group);
	if (child == -1) {
		log_error("fork: %s", strerror(errno));
		return err_exit(err_from_errno(errno));
	}
	if (own_group)
		setpgid(child, child);
	return mind(child, own_group, h, &set);
}

static void
say_why(struct lock_client *c, const struct args *a, enum err e)
{
	struct buf b = BUF_INIT(64 * 1024);
	const char *line;
	char *end;

	if (e == EC_ETIMEDOUT)
		log_error("%s%s: somebody else holds it; ec-lockd --list says "
		    "who", a->names.v[0], a->names.len > 1 ? " ..." : "");
	else
		log_error("%s: %s", a->names.v[0], e == EC_EQUORUM ?
		    "too few lock daemons answer" : err_text(e));
	if (lock_client_explain(c, &b) != EC_OK || b.len == 0)
		goto out;
	buf_str(&b);
	for (line = (const char *)b.data; (end = strchr(line, '\n')) != NULL;
	    line = end + 1) {
		*end = '\0';
		log_error("lock daemon %s", line);
	}
out:
	buf_release(&b);
}

static int
run_command(const struct setting *s, const struct args *a, uint64_t wait_s,
    char *argv[])
{
	struct lock_want wants[LOCK_WANTS_MAX];
	char owner[LOCK_OWNER_MAX + 1];
	struct lock_client_params p = { .peers = s->peers.at,
	    .n = s->peers.n, .auth = s->auth, .owner = owner };
	struct lock_client *c = NULL;
	struct lock_hold *h = NULL;
	sigset_t all, mask;
	int status;
	enum err e;

	for (size_t i = 0; i < a->names.len; i++)
		wants[i] = (struct lock_want){ a->names.v[i], !a->shared };
	owner_text(owner, sizeof(owner), argv);
	main_thread = pthread_self();
	/* Signals are for this thread; while it waits they end us. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &mask);
	e = lock_client_new(&c, &p);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (e != EC_OK) {
		log_error("%s ...: %s", s->peers.at[0], err_text(e));
		return err_exit(e);
	}
	e = lock_client_take(c, wants, a->names.len,
	    (unsigned)(wait_s * 1000), on_lost, NULL, &h);
	if (e == EC_OK) {
		status = run_locked(h, a->names.len, argv);
	} else {
		say_why(c, a, e);
		status = err_exit(e);
	}
	lock_hold_release(h);
	lock_client_free(c);
	return status;
}

static int
run_list(const struct setting *s, const struct args *a)
{
	struct lock_list l = LOCK_LIST_INIT;
	struct buf b = BUF_INIT(256 << 20);
	enum err e, printed;

	e = lock_list_get(&l, s->peers.at, s->peers.n, s->auth);
	for (size_t i = 0; i < s->peers.n; i++)
		if (l.errs[i] != EC_OK)
			log_error("lock daemon %s: %s", s->peers.at[i],
			    l.errs[i] == EC_EOFFLINE ? "cannot be reached" :
			    err_text(l.errs[i]));
	if (l.cut)
		log_warn("a lock daemon has more than it could tell");
	lock_list_text(&l, clock_real_us(), a->json ? &e : NULL, &b);
	printed = io_write_full(STDOUT_FILENO, b.data, b.len);
	if (printed != EC_OK)
		log_error("standard output: %s", err_text(printed));
	lock_list_release(&l);
	buf_release(&b);
	return err_exit(e == EC_OK ? printed : e);
}

int
main(int argc, char *argv[])
{
	struct args a = { .lease_s = LOCK_LEASE_S };
	const struct opt opts[] = {
		OPT_STR('a', "address", &a.address, "address",
		    "serve here: HOST:PORT or unix:PATH"),
		OPT_STR(0, "state", &a.state, "file",
		    "keep here what must survive a restart"),
		OPT_STR(0, "tls-cert", &a.secure.cert, "file",
		    "the certificate to show, and TLS with it"),
		OPT_STR(0, "tls-key", &a.secure.key, "file", "its key"),
		OPT_FLAG(0, "plaintext", &a.secure.plaintext,
		    "no TLS, though other machines can reach it"),
		OPT_UINT(0, "lease", &a.lease_s, LOCK_LEASE_MIN_S,
		    LOCK_LEASE_MAX_S, "secs", "how long a vote lasts"),
		OPT_LIST('r', "run", &a.names, "name",
		    "run the command under this lock"),
		OPT_STR('p', "peers", &a.peers, "address,...",
		    "the lock daemons to ask"),
		OPT_STR(0, "tls-ca", &a.secure.ca, "file",
		    "who vouches for their certificates"),
		OPT_FLAG('s', "shared", &a.shared, "take read locks"),
		OPT_STR('w', "wait", &a.wait, "secs",
		    "give up after so long; 0: at once"),
		OPT_FLAG('l', "list", &a.list, "print holders and waiters"),
		OPT_FLAG(0, "json", &a.json, "print JSON lines"),
		OPT_END("[command ...]"),
	};
	uint64_t wait_s = WAIT_MAX_S;
	struct setting s = { .peers = LOCK_PEERS_INIT };
	int status = 0;
	bool runs;
	enum err e;

	log_init(argv[0]);
	opt_parse(opts, &argc, &argv);
	runs = a.names.len > 0;
	if (runs && a.list)
		opt_misuse("--run or --list");
	if (runs && argc == 0)
		opt_misuse("no command to run");
	if (!runs && argc > 0)
		opt_misuse("a command, but no --run");
	if (a.names.len > LOCK_WANTS_MAX)
		opt_misuse("more than %d names", LOCK_WANTS_MAX);
	if (!runs && (a.shared || a.wait != NULL))
		opt_misuse("--shared and --wait are for --run");
	if (a.json && !a.list)
		opt_misuse("--json is for --list");
	if ((runs || a.list) && (a.address != NULL || a.state != NULL ||
	    a.secure.cert != NULL || a.secure.key != NULL ||
	    a.secure.plaintext))
		opt_misuse("--address, --state, --tls-cert, --tls-key and "
		    "--plaintext are for the daemon");
	if (!runs && !a.list && (a.peers != NULL || a.secure.ca != NULL))
		opt_misuse("--peers and --tls-ca are for --run and --list");
	if (a.wait != NULL && num_parse(&wait_s, a.wait, 0, WAIT_MAX_S) !=
	    EC_OK)
		opt_misuse("--wait: not a number of seconds: %s", a.wait);
	e = runs || a.list ? setting_client(&s, &a) : setting_daemon(&s, &a);
	if (e == EC_OK && !runs && !a.list)
		e = run_daemon(&s, &a);
	if (e == EC_ENOMEM)
		log_error("%s", err_text(e));
	if (e != EC_OK)
		status = err_exit(e);
	else if (runs)
		status = run_command(&s, &a, wait_s, argv);
	else if (a.list)
		status = run_list(&s, &a);
	setting_release(&s);
	free(a.names.v);
	return status;
}
