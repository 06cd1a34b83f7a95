/* hooks: see the header. */
#include "base/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/os_linux.h"

enum { LOOK_MS = 1000, ENV_MAX = HOOKS_VARS_MAX + 4 };

struct event {
	struct event *next;
	char *env[ENV_MAX];	/* up to a NULL */
};

struct hooks {
	char *path;
	pthread_t thread;
	pthread_mutex_t lock;	/* guards the following */
	pthread_cond_t wake;
	struct event *first, **last;
	unsigned queued, dropped;
	bool end;
	uint64_t until_us;	/* with end: then what runs is killed */
};

static void
event_free(struct event *v)
{
	for (unsigned i = 0; v != NULL && i < ENV_MAX; i++)
		free(v->env[i]);
	free(v);
}

static bool
must_end(struct hooks *h)
{
	bool end;

	pthread_mutex_lock(&h->lock);
	end = h->end && clock_mono_us() >= h->until_us;
	pthread_mutex_unlock(&h->lock);
	return end;
}

/* It may have children of its own. */
static void
wait_program(struct hooks *h, pid_t pid, const char *path)
{
	uint64_t until = clock_mono_us() + HOOKS_TIME_MS * UINT64_C(1000);
	int status = 0;

	while (!os_child_ended(pid, LOOK_MS))
		if (clock_mono_us() >= until || must_end(h)) {
			log_warn("%s: takes too long and is killed", path);
			kill(-pid, SIGKILL);
			break;
		}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		log_warn("%s: exit status %d", path, WEXITSTATUS(status));
}

static int
spawn(pid_t *pid, const char *path, char *const env[])
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	if ((r = posix_spawn_file_actions_init(&files)) != 0)
		return r;
	if ((r = posix_spawnattr_init(&attr)) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return r;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	if ((r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null",
	    O_RDONLY, 0)) == 0 &&
	    (r = posix_spawn_file_actions_adddup2(&files, 2, 1)) == 0)
		r = posix_spawn(pid, path, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

static void
run_program(struct hooks *h, const char *path, char *const env[])
{
	pid_t pid;
	int r = spawn(&pid, path, env);

	if (r != 0)
		log_warn("%s: %s", path, strerror(r));
	else
		wait_program(h, pid, path);
}

static bool
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
}

/* No hidden files, nor what editors and packages leave. */
static int
named_well(const struct dirent *d)
{
	return d->d_name[0] != '.' && strspn(d->d_name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.") == strlen(d->d_name);
}

static void
run_event(struct hooks *h, const struct event *v)
{
	struct dirent **list = NULL;
	char path[4096];
	int n;

	if (is_program(h->path)) {
		run_program(h, h->path, v->env);
		return;
	}
	if ((n = scandir(h->path, &list, named_well, alphasort)) < 0) {
		log_warn("%s: %s", h->path, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		if ((size_t)snprintf(path, sizeof path, "%s/%s", h->path,
		    list[i]->d_name) < sizeof path && is_program(path) &&
		    !must_end(h))
			run_program(h, path, v->env);
		free(list[i]);
	}
	free(list);
}

/* The next event; NULL: it is the end. */
static struct event *
take(struct hooks *h)
{
	struct event *v;

	pthread_mutex_lock(&h->lock);
	while (h->first == NULL && !h->end)
		pthread_cond_wait(&h->wake, &h->lock);
	if ((v = h->first) != NULL) {
		if ((h->first = v->next) == NULL)
			h->last = &h->first;
		h->queued--;
	}
	pthread_mutex_unlock(&h->lock);
	return v;
}

static void *
hooks_run(void *ctx)
{
	struct hooks *h = ctx;
	struct event *v;

	while ((v = take(h)) != NULL) {
		if (!must_end(h))
			run_event(h, v);
		event_free(v);
	}
	return NULL;
}

enum err
hooks_new(struct hooks **out, const char *path)
{
	struct hooks *h;

	if (access(path, X_OK) != 0) {
		log_error("%s: %s", path, strerror(errno));
		return EC_ENOTFOUND;
	}
	if ((h = calloc(1, sizeof *h)) == NULL ||
	    (h->path = strdup(path)) == NULL)
		goto out;
	h->last = &h->first;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->wake, NULL);
	if (pthread_create(&h->thread, NULL, hooks_run, h) != 0)
		goto out;
	*out = h;
	return EC_OK;
out:
	if (h != NULL)
		free(h->path);
	free(h);
	return EC_ENOMEM;
}

void
hooks_free(struct hooks *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->end = true;
	h->until_us = clock_mono_us() + HOOKS_END_MS * UINT64_C(1000);
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h->path);
	free(h);
}

static char *
assign(const char *name, const char *value)
{
	size_t len = strlen(name) + strlen(value) + 2;
	char *text = malloc(len);

	if (text != NULL)
		snprintf(text, len, "%s=%s", name, value);
	return text;
}

static struct event *
event_new(const char *event, const char *const vars[])
{
	struct event *v = calloc(1, sizeof *v);
	const char *path = getenv("PATH");
	unsigned n = 2;

	if (v == NULL || (v->env[0] = assign("PATH", path != NULL ? path :
	    "/usr/local/bin:/usr/bin:/bin")) == NULL ||
	    (v->env[1] = assign("EC_EVENT", event)) == NULL)
		goto out;
	for (; *vars != NULL && n < HOOKS_VARS_MAX; vars++, n++)
		if ((v->env[n] = strdup(*vars)) == NULL)
			goto out;
	return v;
out:
	event_free(v);
	return NULL;
}

void
hooks_tell(struct hooks *h, const char *event, const char *const vars[])
{
	struct event *v;

	if (h == NULL)
		return;
	v = event_new(event, vars);
	pthread_mutex_lock(&h->lock);
	if (v == NULL || h->queued == HOOKS_QUEUED) {
		if (h->dropped++ == 0)
			log_warn("%s: is behind; events are dropped",
			    h->path);
	} else {
		h->dropped = 0;
		*h->last = v;
		h->last = &v->next;
		h->queued++;
		v = NULL;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->lock);
	event_free(v);
}
