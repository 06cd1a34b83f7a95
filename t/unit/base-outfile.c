/* outfile: whole or not at all, no links, no overwriting, signals. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/io.h"
#include "base/log.h"
#include "base/outfile.h"

/* Entries of the working directory. */
static unsigned
entries(void)
{
	DIR *d = opendir(".");
	unsigned n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		(void)closedir(d);
	return n - 2;
}

static bool
has(const char *name, const char *text)
{
	char *got = NULL;
	size_t len;
	bool same = io_slurp(AT_FDCWD, name, 100, &got, &len) == EC_OK &&
	    strcmp(got, text) == 0;

	free(got);
	return same;
}

static enum err
put(const char *path, const char *text, bool replace)
{
	struct outfile o = OUTFILE_INIT;
	enum err e = outfile_open(&o, path, replace);

	if (e == EC_OK)
		e = io_write_full(o.fd, text, strlen(text));
	if (e == EC_OK)
		e = outfile_sync(&o);
	if (e == EC_OK)
		e = outfile_commit(&o);
	outfile_release(&o);
	return e;
}

static void
test_names(void)
{
	char name[NAME_MAX + 2];

	tap_ok(put("a", "one", false) == EC_OK && has("a", "one"), "a file");
	tap_ok(put("a", "two", false) == EC_EEXIST && has("a", "one"),
	    "is not replaced");
	tap_ok(put("./a", "two", true) == EC_OK && has("a", "two"),
	    "unless told");
	tap_ok(symlink("a", "link") == 0 && put("link", "x", true) ==
	    EC_EINVAL && has("a", "two"), "no link is followed");
	tap_ok(put("gone/b", "x", false) == EC_ENOTFOUND, "no such folder");
	tap_ok(put(".", "x", true) != EC_OK && put("x/", "x", true) != EC_OK &&
	    put("", "x", true) != EC_OK, "no name");
	memset(name, 'n', sizeof(name));
	name[NAME_MAX] = '\0';
	tap_ok(put(name, "long", false) == EC_OK && has(name, "long") &&
	    unlink(name) == 0, "the longest name");
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = '\0';
	tap_ok(put(name, "long", false) != EC_OK, "and one more");
	tap_is_u64(entries(), 2, "no litter");
}

static void
test_race(void)
{
	struct outfile o = OUTFILE_INIT;

	tap_ok(outfile_open(&o, "new", false) == EC_OK &&
	    outfile_sync(&o) == EC_OK && put("new", "mine", false) == EC_OK &&
	    outfile_commit(&o) == EC_EEXIST, "somebody was faster");
	outfile_revoke(&o);
	outfile_release(&o);
	tap_ok(has("new", "mine") && entries() == 3, "theirs stays");
	tap_ok(outfile_open(&o, "other", false) == EC_OK &&
	    outfile_sync(&o) == EC_OK && outfile_commit(&o) == EC_OK &&
	    access("other", F_OK) == 0, "committed");
	outfile_revoke(&o);
	outfile_release(&o);
	tap_ok(access("other", F_OK) != 0, "and taken back");
	tap_ok(outfile_open(&o, "dropped", false) == EC_OK && entries() == 4,
	    "begun");
	outfile_release(&o);
	tap_is_u64(entries(), 3, "and dropped");
}

static void
test_signal(int sig)
{
	struct outfile a = OUTFILE_INIT, b = OUTFILE_INIT;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(sig, SIG_DFL);
		outfile_on_signals();
		if (outfile_open(&a, "s1", false) == EC_OK &&
		    outfile_open(&b, "s2", false) == EC_OK && entries() == 5)
			(void)raise(sig);
		_exit(1);
	}
	(void)waitpid(pid, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == sig &&
	    entries() == 3, "signal %d leaves nothing", sig);
}

int
main(int argc, char *argv[])
{
	char dir[] = "/tmp/ec-outfile.XXXXXX";

	(void)argc;
	log_init(argv[0]);
	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	test_names();
	test_race();
	test_signal(SIGINT);
	test_signal(SIGTERM);
	test_signal(SIGHUP);
	(void)unlink("a");
	(void)unlink("link");
	(void)unlink("new");
	tap_ok(chdir("/") == 0 && rmdir(dir) == 0, "nothing else is left");
	return tap_done();
}
