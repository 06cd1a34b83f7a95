# make lint finds what it is there for: each fault, put into a small tree.
load lib/common.bash

setup()
{
	common_setup
	mkdir -p libec/base libec/codec libec/set libec/net cmd/ec-s3d
	cat >libec/base/good.c <<'END'
/* good: nothing to find here. */
#include "base/good.h"

static int
half(int n)
{
	return n / 2;
}

int
good(int n)
{
	if (n > 1)
		return half(n);	/* the only case */
	return 0;
}
END
	echo 'int good(int n);' >libec/base/good.h
}

# The check must find exactly this, and nothing without it.
finds()
{
	local check=$1 text=$2

	shift 2
	exits 1 "$ROOT/t/lint/$check" "$@"
	[[ $OUT$ERR == *"$text"* ]] || { echo "$OUT$ERR"; false; }
}

@test "style: good code passes" {
	exits 0 "$ROOT/t/lint/style" libec/base/good.c
	exits 0 "$ROOT/t/lint/format" libec/base/good.c
	exits 0 "$ROOT/t/lint/layers"
}

@test "style: wide lines, blanks, spaces, names, // and banned functions" {
	local line f=libec/base/bad.c

	printf '\t\t\t\t\t\t\t\t\tint a1234567; /* 9 tabs */\n' >$f
	finds style 'longer than 80 columns' $f
	printf 'int a; \n' >$f
	finds style 'blank at the end' $f
	printf '        int a;\n' >$f
	finds style 'eight spaces' $f
	printf 'int f(void)\n{\n}\n' >$f
	finds style 'function name starts its line' $f
	printf 'int a; // b\n' >$f
	finds style 'a // comment' $f
	printf '/* TODO */\n' >$f
	finds style 'unfinished' $f
	for line in 'printf("x");' 'exit(1);'; do
		printf '\t%s\n' "$line" >$f
		finds style 'neither exits nor prints' $f
	done
	printf '\tsprintf(a, "x");\n' >$f
	finds style 'not used here' $f
	yes 'int a;' | head -n 601 >$f
	finds style 'longer than 600' $f
}

@test "format: indentation and spacing" {
	need clang-format
	sed 's/^\t\treturn/\t\t\treturn/' libec/base/good.c >libec/base/bad.c
	finds format 'should be' libec/base/bad.c
	sed 's/if (n/if(n/' libec/base/good.c >libec/base/bad.c
	finds format 'should be' libec/base/bad.c
}

@test "layers: upward, sideways, circles, and back doors" {
	echo '#include "codec/x.h"' >libec/base/bad.c
	finds layers 'libec/base/bad.c: may not include'
	rm libec/base/bad.c
	echo '#include "net/x.h"' >libec/set/bad.c
	finds layers 'libec/set/bad.c: may not include'
	echo '#include "set/x.h"' >libec/net/bad.c
	finds layers 'libec/net/bad.c: may not include'
	rm libec/*/bad.c
	echo '#include "codec/b.h"' >libec/codec/a.h
	echo '#include "codec/a.h"' >libec/codec/b.h
	finds layers 'include each other'
	rm libec/codec/[ab].h
	echo '#include <openssl/evp.h>' >libec/base/bad.c
	finds layers 'has its door in'
	echo '#include <sqlite3.h>' >libec/base/bad.c
	finds layers 'has its door in'
}
