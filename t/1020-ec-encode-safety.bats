#!/usr/bin/env bats
# ec-encode, ec-decode: files whole or not at all, links, terminals, signals,
# full disks, misuse.

load lib/common

# litter: what is left that should not be.
litter()
{
	find "${1-.}" -name '*.ec.tmp.*'
}

@test "an existing file is not replaced unless told" {
	random_file in 1000 1
	echo old >b
	exits 6 ec-encode -k 2 -m 1 -i in a b c
	[ "$(cat b)" = old ] && [ ! -e a ] && [ ! -e c ]
	[ -z "$(litter)" ]
	exits 0 ec-encode -f -k 2 -m 1 -i in a b c
	echo old >out
	exits 6 ec-decode -o out a b c
	[ "$(cat out)" = old ]
	exits 0 ec-decode -f -o out a b c
	cmp in out
	[ -z "$(litter)" ]
}

@test "no link is followed at the name of an output" {
	random_file in 1000 1
	echo precious >victim
	ln -s victim b
	ln -s nowhere c
	exits 2 ec-encode -f -k 2 -m 1 -i in a b c
	rm b
	exits 2 ec-encode -f -k 2 -m 1 -i in a b c
	[ "$(cat victim)" = precious ] && [ ! -e nowhere ] && [ ! -e a ]
	rm c
	ec-encode -k 2 -m 1 -i in a b c
	ln -s victim out
	exits 2 ec-decode -f -o out a b c
	[ "$(cat victim)" = precious ]
	exits 2 ec-decode -f -o /dev/null a b c
	[ -c /dev/null ]
	# a link to a folder: with a slash only
	mkdir real
	ln -s real link
	exits 2 ec-encode -f -k 2 -m 1 -i in x y link
	exits 0 ec-encode -k 2 -m 1 -i in link/ link/ link/
	[ -e real/in.02.ec ]
	[ -z "$(litter)$(litter real)" ]
}

@test "a folder that is not there, or may not be written" {
	random_file in 1000 1
	exits 5 ec-encode -k 2 -m 1 -i in a b gone/c
	[ ! -e a ] && [ -z "$(litter)" ]
	exits 5 ec-encode -k 2 -m 1 -i gone a b c
	exits 3 ec-encode -k 2 -m 1 --quorum 2 -i in a b gone/c
	exits 0 ec-decode a b
	cmp in .out
}

@test "signals leave nothing behind" {
	local sig pid status
	mkfifo pipe
	for sig in HUP INT TERM PIPE; do
		sleep 10 >pipe 3>&- &
		local writer=$!
		env --default-signal=INT,PIPE,TERM,HUP \
		    "$EC_BIN/ec-encode" -k 2 -m 1 a b c <pipe 3>&- &
		pid=$!
		until [ "$(litter | wc -l)" -eq 3 ]; do
			sleep 0.01
		done
		kill -"$sig" "$pid"
		status=0
		wait "$pid" || status=$?
		kill "$writer"
		wait "$writer" || true
		[ "$status" -eq $((128 + $(kill -l $sig))) ]
		[ -z "$(litter)" ] && [ ! -e a ]
	done
}

@test "a full output: nothing is left, and the status says so" {
	random_file in 1000000 1
	exits 9 ec-encode -k 2 -m 1 --out-fd 4,5,6 -i in \
	    4>x 5>/dev/full 6>z
	[[ $ERR == *"descriptor 5: no space left"* ]]
	exits 3 ec-encode -k 2 -m 1 --quorum 2 --out-fd 4,5,6 -i in \
	    4>x 5>/dev/full 6>z
	exits 0 ec-decode x z
	cmp in .out
	ec-encode -k 2 -m 1 -i in a b c
	run sh -c 'ec-decode a b c >/dev/full'
	[ "$status" -eq 9 ]
	run sh -c 'ec-decode --info a b c >/dev/full'
	[ "$status" -eq 9 ]
	run sh -c 'ec-encode --help >/dev/full'
	[ "$status" -eq 9 ]
}

@test "a full disk leaves nothing behind" {
	mkdir small
	unshare -rm true || skip "may not mount"
	random_file in 1000000 1
	cat >script <<-'END'
		mount -t tmpfs -o size=600k none small || exit 77
		cd small
		ec-encode -k 2 -m 2 -i ../in a b c d
		echo "status $?"
		ls -A
		cd ..
		ec-encode -k 2 -m 1 -i in a b c
		ec-decode -o small/out a b c
		echo "status $?"
		ls -A small
	END
	exits 0 unshare -rm sh script
	[ "$OUT" = "status 9
status 9" ]
	[[ $ERR == *"no space left"* ]]
}

@test "a reader that goes away, a pipe that breaks" {
	random_file in 3000000 1
	ec-encode -k 2 -m 1 -i in a b c
	run bash -c 'set -o pipefail; ec-decode a b c | head -c 10 >/dev/null'
	[ "$status" -eq 141 ]
	run bash -c 'exec 5> >(head -c 10 >/dev/null)
	    ec-encode -k 2 -m 1 --quorum 2 --out-fd 4,5,6 -i in 4>x 6>z'
	[ "$status" -eq 3 ]
	exits 0 ec-decode x z
	cmp in .out
}

@test "nothing binary to a terminal" {
	need script
	random_file in 1000 1
	ec-encode -k 2 -m 1 -i in a b c
	exits 2 script -qec 'ec-decode a b c' typescript
	exits 2 script -qec 'ec-encode -k 1 -m 0 -i in --out-fd 1' typescript
}

@test "special files and hostile ones are refused, not waited for" {
	mkfifo pipe
	exits 5 timeout 5 ec-decode pipe /dev/zero /dev/null
	random_file in 1000 1
	ec-encode -k 2 -m 1 -i in a b c
	exits 0 timeout 5 ec-decode pipe a /dev/zero c
	cmp in .out
	# a huge sparse file with a good header
	cp a sparse
	truncate -s 1T sparse
	exits 0 timeout 5 ec-decode sparse b c
	cmp in .out
}

@test "misuse" {
	random_file in 10 1
	exits 2 ec-encode
	exits 2 ec-encode -k 0 -m 1 a
	exits 2 ec-encode -k 200 -m 56 d
	exits 2 ec-encode -k 2 -m 1 -u 5000 -i in a b c
	exits 2 ec-encode -k 2 -m 1 -u 1K -i in a b c
	exits 2 ec-encode -k 2 -m 1 --quorum 1 -i in a b c
	exits 2 ec-encode -k 2 -m 1 --out-fd 1,2 -i in
	exits 2 ec-encode -k 2 -m 1 --out-fd 1,2,x -i in
	exits 2 ec-encode -k 2 -m 1 --out-fd 4,5,4 -i in 4>x 5>y
	exits 2 ec-encode --json -k 1 -m 1 --out-fd 1,4 -i in 4>x
	exits 2 ec-encode -f -k 2 -m 1 -i in a b ./a
	exits 2 ec-encode --nonsense a b c
	exits 2 ec-decode
	exits 2 ec-decode --info --verify a
	exits 2 ec-decode --json a
	exits 2 ec-decode --id xyz a
	exits 2 ec-decode -n a
	[ -z "$(litter)" ] && [ ! -e a ]
}

@test "when one file cannot get its name, none does" {
	random_file in 1000 1
	mkdir out
	# the third rename fails: two had their names already
	EC_FAULT_PATH=$DIR/ fault_run renameat:3:EIO ec-encode -k 2 -m 2 \
	    -i in out/a out/b out/c out/d
	[ "$FAULT_MET" = yes ] && [ "$STATUS" -eq 9 ]
	[ -z "$(ls -A out)" ]
}
