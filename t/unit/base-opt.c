/* Checks of opt: each case runs in a child, since opt ends the process. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "base/log.h"
#include "base/opt.h"

enum { ARGS_MAX = 12 };

/* What the child leaves in the pipe besides its exit status. */
static char output[4096];

static void
child(char **argv, int argc)
{
	unsigned k = 8;
	uint64_t b = 1 << 20;
	bool v = false;
	const char *s = "dflt";
	struct opt_list l = { NULL, 0 };
	const struct opt opts[] = {
		OPT_UINT('k', "data", &k, 1, 254, "n", "data shards"),
		OPT_SIZE('b', "block", &b, 4096, 1 << 22, "size", "block"),
		OPT_FLAG('v', "verbose", &v, "say more"),
		OPT_STR(0, "json", &s, "file", "write JSON"),
		OPT_LIST('d', "drive", &l, "path", "a drive"),
		OPT_END("shard ..."),
	};
	size_t i;
	int n;

	opt_parse(opts, &argc, &argv);
	printf("k=%u b=%llu v=%d s=%s d=", k, (unsigned long long)b, v, s);
	for (i = 0; i < l.len; i++)
		printf("%s,", l.v[i]);
	printf(" |");
	for (n = 0; n < argc; n++)
		printf(" %s", argv[n]);
	printf(" %d%s\n", argc, argv[argc] == NULL ? "" : "!");
	free(l.v);
	fflush(stdout);
	_exit(0);
}

static const char *
test_versions(void)
{
	return "lib 1.2";
}

/* Run "ec-x ${args}" and return its exit status. */
static int
run(const char *args)
{
	char *argv[ARGS_MAX], line[256], *save, *a;
	int fd[2], argc = 0, status = -1;
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	snprintf(line, sizeof(line), "/bin/ec-x %s", args);
	for (a = strtok_r(line, " ", &save); a != NULL && argc < ARGS_MAX - 1;
	    a = strtok_r(NULL, " ", &save))
		argv[argc++] = a;
	argv[argc] = NULL;
	fflush(stdout);
	if (pipe(fd) != 0 || (pid = fork()) < 0)
		exit(1);
	if (pid == 0) {
		dup2(fd[1], STDOUT_FILENO);
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		log_init(argv[0]);
		opt_versions(test_versions);
		child(argv, argc);
	}
	close(fd[1]);
	while ((n = read(fd[0], output + got, sizeof(output) - 1 - got)) > 0)
		got += (size_t)n;
	output[got] = '\0';
	close(fd[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
main(void)
{
	static const char *const good[][2] = {
		{ "", "k=8 b=1048576 v=0 s=dflt d= | 0\n" },
		{ "-k 4 a -b64K b", "k=4 b=65536 v=0 s=dflt d= | a b 2\n" },
		{ "--data=5 --block 1MiB --json=x -- -k",
			"k=5 b=1048576 v=0 s=x d= | -k 1\n" },
		{ "-vk3 -d a --drive=b -dc -",
			"k=3 b=1048576 v=1 s=dflt d=a,b,c, | - 1\n" },
		{ "--json=", "k=8 b=1048576 v=0 s= d= | 0\n" },
	};
	static const char *const bad[] = { "-x", "--dat=3", "--nope", "-k",
		"-k 0", "-k 255", "-k 1x", "-k 1 -k 2", "-vv", "--verbose=1",
		"-b 1K", "-b 5X", "--data" };
	size_t i;

	unsetenv("JOURNAL_STREAM");
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		tap_ok(run(good[i][0]) == 0, "takes '%s'", good[i][0]);
		tap_is_str(output, good[i][1], "result of '%s'", good[i][0]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tap_ok(run(bad[i]) == 2, "'%s' is misuse", bad[i]);
		tap_ok(strncmp(output, "ec-x: ", 6) == 0 && strstr(output,
		    "Try 'ec-x --help'") != NULL, "and is told so");
	}
	tap_ok(run("-V") == 0 && strncmp(output, "ec-x " EC_VERSION
	    "\nlib 1.2\n", 14) == 0, "version");
	tap_ok(run("--help") == 0 &&
	    strstr(output, "Usage: ec-x [option ...] shard ...\n") &&
	    strstr(output, "-k, --data=n") &&
	    strstr(output, "data shards (default 8)\n") &&
	    strstr(output, "(default 1MiB)\n") &&
	    strstr(output, "      --json=file"), "help");
	return tap_done();
}
