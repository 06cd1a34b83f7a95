# ec-encode and ec-decode with every call failing in turn, and killed at each.
load lib/common.bash

setup()
{
	common_setup
	random_file in 300000
	mkdir s good
	ec-encode -k 4 -m 2 -u 16K -i in good/{1..6}.ec
	EC_FAULT_PATH=$DIR/	# not what libraries read for themselves
	export EC_FAULT_PATH
}

ERRORS='open:N openat:N read:N pread:N write:N:ENOSPC pwrite:N pwritev:N
	fsync:N fdatasync:N renameat:N link:N mmap:N ftruncate:N own:N
	malloc:N'
KILLS='kill@open:N kill@openat:N kill@write:N torn@write:N torn@pwrite:N
	torn@pwritev:N kill@fsync:N kill@fdatasync:N kill@renameat:N
	kill@link:N kill@unlink:N'
SHORTS='short@read:N short@pread:N short@write:N short@pwrite:N
	short@pwritev:N read:N:EINTR pread:N:EINTR write:N:EINTR pwrite:N:EINTR'

# Each shard file is there whole or not at all; if all went well all are.
# Killed or not, a second try succeeds.
encoded()
{
	local there=(s/*.ec) f

	if [ "$STATUS" -eq 0 ]; then
		exits 0 ec-decode -o out -f s/{1..6}.ec && cmp -s in out ||
		    return 1
	elif [ "$STATUS" -ne 137 ]; then
		[ "$STATUS" -eq 9 ] || [ "$STATUS" -eq 8 ] || return 1
		[ -s .err ] || return 1
	fi
	if [ -e "${there[0]}" ]; then
		for f in "${there[@]}"; do
			[ "$(stat -c %s "$f")" -eq \
			    "$(stat -c %s good/1.ec)" ] || return 1
		done
		! ec-decode --verify --json "${there[@]}" 2>&1 |
		    grep damaged || return 1
	fi
	# Only a kill may leave temporary files, under the documented name.
	if [ "$STATUS" -ne 137 ]; then
		[ -z "$(find s -name '.*.ec.tmp.*')" ] || return 1
	fi
	[ -z "$(find s -type f ! -name '[1-6].ec' ! -name '.*.ec.tmp.*')" ] ||
	    return 1
	exits 0 ec-encode -f -k 4 -m 2 -u 16K -i in s/{1..6}.ec &&
	    exits 0 ec-decode --verify s/{1..6}.ec
}

empty_folder()
{
	rm -rf s && mkdir s
}

@test "each file is flushed before it counts, and its folder behind it" {
	fault_run fsync:99 ec-encode -k 4 -m 2 -i in s/{1..6}.ec
	[ "$STATUS $(fault_seen fsync)" = "0 12" ]
	fault_run fsync:99 ec-decode -o s/out s/{1..6}.ec
	[ "$STATUS $(fault_seen fsync)" = "0 2" ]
}

@test "ec-encode: each call fails" {
	local spec

	for spec in $ERRORS; do
		fault_loop "$spec" empty_folder encoded \
		    ec-encode -k 4 -m 2 -u 16K -i in s/{1..6}.ec
	done
}

@test "ec-encode: killed at each call" {
	local spec

	for spec in $KILLS; do
		fault_loop "$spec" empty_folder encoded \
		    ec-encode -k 4 -m 2 -u 16K -i in s/{1..6}.ec
	done
}

unharmed()
{
	[ "$STATUS" -eq 0 ] && encoded
}

@test "ec-encode: short and interrupted calls do no harm" {
	local spec

	for spec in $SHORTS; do
		fault_loop "$spec" empty_folder unharmed \
		    ec-encode -k 4 -m 2 -u 16K -i in s/{1..6}.ec
	done
}

two_lost()
{
	rm -rf s out && cp -r good s && rm s/2.ec s/5.ec && echo old >out
}

# The output is the old file or the right one, never another.
decoded()
{
	if [ "$STATUS" -eq 0 ]; then
		cmp -s in out || return 1
	else
		cmp -s in out || [ "$(cat out)" = old ] || return 1
	fi
	[ "$STATUS" -eq 137 ] || [ -z "$(find . -name '.*.ec.tmp.*')" ] ||
	    return 1
	rm -f .*.ec.tmp.*
	diff -r -x 2.ec -x 5.ec good s
}

@test "ec-decode to a file: each call fails, and killed at each" {
	local spec

	for spec in $ERRORS $KILLS; do
		fault_loop "$spec" two_lost decoded \
		    ec-decode -f -o out s/{1..6}.ec
	done
}

# What came out is the beginning of what went in, and all of it with success.
streamed()
{
	if [ "$STATUS" -eq 0 ]; then
		cmp -s in .out
	else
		cmp -s -n "$(stat -c %s .out)" in .out
	fi
}

@test "ec-decode to a pipe: each call fails" {
	local spec

	for spec in $ERRORS; do
		fault_loop "$spec" two_lost streamed ec-decode s/{1..6}.ec
	done
}

repaired()
{
	local i

	for i in 1 3 4 6; do
		cmp -s good/$i.ec s/$i.ec || return 1
	done
	[ "$STATUS" -ne 0 ] || exits 0 ec-decode --verify s/{1..6}.ec ||
	    return 1
	[ "$STATUS" -eq 137 ] || [ -z "$(find s -name '.*.ec.tmp.*')" ] ||
	    return 1
	exits 0 ec-decode --repair s/{1..6}.ec &&
	    exits 0 ec-decode --verify s/{1..6}.ec &&
	    exits 0 ec-decode -f -o out s/{3..6}.ec && cmp -s in out
}

@test "ec-decode --repair: each call fails, and killed at each" {
	local spec

	for spec in $ERRORS $KILLS; do
		fault_loop "$spec" two_lost repaired \
		    ec-decode --repair s/{1..6}.ec
	done
}
