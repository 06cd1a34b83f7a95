#include "base/opt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/num.h"

enum { OPTIONS_MAX = 64, HELP_COLUMN = 26 };

struct parse {
	const struct opt *opts;
	char **argv;
	int argc, at;		/* the next argument to look at */
	uint64_t seen;		/* a bit for each row given */
};

static const char *(*versions)(void);

void
opt_versions(const char *(*text)(void))
{
	versions = text;
}

void
opt_misuse(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("%s", text);
	log_error("Try '%s --help' for more information.", log_name());
	exit(err_exit(EC_EINVAL));
}

/* End after something was printed, with a failure when it did not get out. */
static _Noreturn void
exit_printed(void)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("standard output: cannot write");
		exit(err_exit(EC_EIO));
	}
	exit(0);
}

static _Noreturn void
version(void)
{
	printf("%s %s\n", log_name(), EC_VERSION);
	if (versions != NULL)
		printf("%s\n", versions());
	exit_printed();
}

/* A size as the option would take it. */
static void
print_size(uint64_t v)
{
	static const char *const unit[] = { "", "KiB", "MiB", "GiB", "TiB" };
	unsigned i = 0;

	for (; v > 0 && v % 1024 == 0 && i < 4; i++)
		v /= 1024;
	printf("%llu%s", (unsigned long long)v, unit[i]);
}

/* A number out of range says that nothing was given; the help tells what that
 * means. */
static void
print_default(const struct opt *o)
{
	const char *const *s;
	unsigned u;

	if (o->type == OPT_T_UINT) {
		u = *(const unsigned *)o->out;
		if (o->min <= u && u <= o->max)
			printf(" (default %u)", u);
	} else if (o->type == OPT_T_SIZE) {
		printf(" (default ");
		print_size(*(const uint64_t *)o->out);
		printf(")");
	} else if (o->type == OPT_T_STR) {
		s = o->out;
		if (*s != NULL && **s != '\0')
			printf(" (default %s)", *s);
	}
}

static void
print_row(char letter, const char *name, const char *arg)
{
	int n;

	n = letter != 0 ? printf("  -%c, ", letter) : printf("      ");
	n += printf("--%s", name);
	if (arg != NULL)
		n += printf("=%s", arg);
	if (n >= HELP_COLUMN)
		n = printf("\n") - 1;
	printf("%*s", HELP_COLUMN - n, "");
}

static _Noreturn void
help(const struct opt *opts)
{
	const struct opt *o;

	for (o = opts; o->type != OPT_T_END; o++)
		;
	printf("Usage: %s [option ...]%s%s\n\n", log_name(),
	    o->help != NULL && *o->help != '\0' ? " " : "",
	    o->help != NULL ? o->help : "");
	for (o = opts; o->type != OPT_T_END; o++) {
		print_row(o->letter, o->name, o->arg);
		printf("%s", o->help);
		print_default(o);
		printf("\n");
	}
	print_row('h', "help", NULL);
	printf("print this and exit\n");
	print_row('V', "version", NULL);
	printf("print versions and exit\n");
	exit_printed();
}

static void
list_add(struct opt_list *list, const char *value)
{
	const char **v;

	v = realloc(list->v, (list->len + 1) * sizeof(*v));
	if (v == NULL) {
		log_error("%s", err_text(EC_ENOMEM));
		exit(err_exit(EC_ENOMEM));
	}
	v[list->len++] = value;
	list->v = v;
}

/* Store ${value}, NULL for a flag, as ${shown} was given. */
static void
set(struct parse *p, const struct opt *o, const char *shown,
    const char *value)
{
	uint64_t bit = UINT64_C(1) << (o - p->opts), v;

	if (o->type != OPT_T_LIST && p->seen & bit)
		opt_misuse("%s is given twice", shown);
	p->seen |= bit;
	switch (o->type) {
	case OPT_T_FLAG:
		*(bool *)o->out = true;
		break;
	case OPT_T_UINT:
		if (num_parse(&v, value, o->min, o->max) != EC_OK)
			opt_misuse("%s: '%s' is not a number from %llu to %llu",
			    shown, value, (unsigned long long)o->min,
			    (unsigned long long)o->max);
		*(unsigned *)o->out = (unsigned)v;
		break;
	case OPT_T_SIZE:
		if (num_parse_size(&v, value, o->min, o->max) != EC_OK)
			opt_misuse("%s: '%s' is not a size from %llu to %llu "
			    "bytes", shown, value, (unsigned long long)o->min,
			    (unsigned long long)o->max);
		*(uint64_t *)o->out = v;
		break;
	case OPT_T_STR:
		*(const char **)o->out = value;
		break;
	case OPT_T_LIST:
		list_add(o->out, value);
		break;
	case OPT_T_END:
		break;
	}
}

static const char *
next_value(struct parse *p, const char *shown)
{
	if (p->at == p->argc)
		opt_misuse("%s needs an argument", shown);
	return p->argv[p->at++];
}

/* --name, --name=value or --name value; ${s} is without the dashes. */
static void
parse_long(struct parse *p, const char *s)
{
	const char *eq = strchr(s, '=');
	size_t len = eq != NULL ? (size_t)(eq - s) : strlen(s);
	const struct opt *o;
	char shown[64];

	if (strcmp(s, "help") == 0)
		help(p->opts);
	if (strcmp(s, "version") == 0)
		version();
	for (o = p->opts; o->type != OPT_T_END; o++)
		if (strlen(o->name) == len && memcmp(o->name, s, len) == 0)
			break;
	if (o->type == OPT_T_END)
		opt_misuse("unknown option --%.*s", (int)len, s);
	snprintf(shown, sizeof(shown), "--%s", o->name);
	if (o->type == OPT_T_FLAG) {
		if (eq != NULL)
			opt_misuse("%s takes no argument", shown);
		set(p, o, shown, NULL);
	} else
		set(p, o, shown, eq != NULL ? eq + 1 : next_value(p, shown));
}

/* A bundle of letters, ${s} without the dash. */
static void
parse_short(struct parse *p, const char *s)
{
	const struct opt *o;
	char shown[3] = "-";

	while (*s != '\0') {
		shown[1] = *s++;
		for (o = p->opts; o->type != OPT_T_END; o++)
			if (o->letter == shown[1])
				break;
		if (o->type == OPT_T_END && shown[1] == 'h')
			help(p->opts);
		if (o->type == OPT_T_END && shown[1] == 'V')
			version();
		if (o->type == OPT_T_END)
			opt_misuse("unknown option %s", shown);
		if (o->type == OPT_T_FLAG) {
			set(p, o, shown, NULL);
			continue;
		}
		set(p, o, shown, *s != '\0' ? s : next_value(p, shown));
		break;
	}
}

void
opt_parse(const struct opt *opts, int *argc, char ***argv)
{
	struct parse p = { opts, *argv, *argc, 1, 0 };
	bool ended = false;
	size_t rows = 0;
	int n = 0;
	char *s;

	while (opts[rows].type != OPT_T_END)
		rows++;
	if (rows > OPTIONS_MAX)
		abort();	/* a table that seen cannot cover */
	while (p.at < p.argc) {
		s = p.argv[p.at++];
		if (ended || s[0] != '-' || s[1] == '\0')
			(*argv)[n++] = s;	/* n < at: already looked at */
		else if (s[1] != '-')
			parse_short(&p, s + 1);
		else if (s[2] == '\0')
			ended = true;
		else
			parse_long(&p, s + 2);
	}
	if (p.argc > 0)
		(*argv)[n] = NULL;
	*argc = n;
}
