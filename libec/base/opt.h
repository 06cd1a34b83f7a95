/* opt: command-line options from one table, which gives parsing, -h and the
 * misuse message.
 *
 * GNU style: -k 8, -k8, --data 8, --data=8, bundled flags, "--" ends options,
 * options may follow operands.  No abbreviations; ranges are checked; sizes
 * take K M G T (1024), KiB.., kB.. (1000); an option given twice is misuse
 * unless it is a list.  -h/--help and -V/--version are always there. */
#ifndef OPT_H
#define OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_type { OPT_T_END, OPT_T_FLAG, OPT_T_UINT, OPT_T_SIZE, OPT_T_STR,
	OPT_T_LIST };

struct opt_list {
	const char **v;		/* the caller's to free(); items of argv */
	size_t len;
};

struct opt {
	enum opt_type type;
	char letter;		/* 0: long form only */
	const char *name;	/* long form, without the dashes */
	void *out;
	uint64_t min, max;
	const char *arg;	/* name of the argument in the help */
	const char *help;	/* for END: the operands, "shard ..." */
};

#define OPT_FLAG(c, name, out, help) \
	{ OPT_T_FLAG, c, name, (bool *){ out }, 0, 0, NULL, help }
#define OPT_UINT(c, name, out, min, max, arg, help) \
	{ OPT_T_UINT, c, name, (unsigned *){ out }, min, max, arg, help }
#define OPT_SIZE(c, name, out, min, max, arg, help) \
	{ OPT_T_SIZE, c, name, (uint64_t *){ out }, min, max, arg, help }
#define OPT_STR(c, name, out, arg, help) \
	{ OPT_T_STR, c, name, (const char **){ out }, 0, 0, arg, help }
#define OPT_LIST(c, name, out, arg, help) \
	{ OPT_T_LIST, c, name, (struct opt_list *){ out }, 0, 0, arg, help }
#define OPT_END(operands) \
	{ OPT_T_END, 0, NULL, NULL, 0, 0, NULL, operands }

/* Parse; on return argv[0..argc) are the operands (argc excludes the program's
 * name and may be 0).  The values in the table at call time are the defaults
 * the help shows.  Exits 0 after -h or -V, 2 on misuse. */
void opt_parse(const struct opt *opts, int *argc, char ***argv);

/* Let -V print ${text}() below the tool's own version: one line for each
 * library and the kernels in use.  Call before opt_parse. */
void opt_versions(const char *(*text)(void));

/* Print "ec-x: ${fmt}" and where to find help on standard error; exit 2. */
_Noreturn void opt_misuse(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

#endif
