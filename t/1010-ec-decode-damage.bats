#!/usr/bin/env bats
# ec-decode: damage is found, told, and made good as long as that is possible.

load lib/common

@test "a flipped bit anywhere in a shard file: told, and right bytes" {
	local at size
	random_file in 300 1
	ec-encode -k 2 -m 1 -i in a b c
	size=$(stat -c %s a)
	cp a whole
	# a sample: the unit tests do every byte and every length
	for ((at = 0; at < size; at += at < 64 || at >= 4064 ? 3 : 97)); do
		cp whole a
		flip a "$at"
		exits 0 ec-decode a b c
		cmp in .out
		[[ $ERR == *a:* ]] || { echo "no warning at $at"; false; }
		exits 3 ec-decode --verify a b c
		[[ $OUT == *"damaged	a	at byte"* ]] ||
		    [[ $OUT == *"unrecognized	a"* ]]
	done
}

@test "a shard cut at any length counts as lost" {
	local len size
	random_file in 300 1
	ec-encode -k 2 -m 1 -i in a b c
	size=$(stat -c %s a)
	cp a whole
	for ((len = 0; len < size; len += len < 4090 ? 211 : 7)); do
		head -c "$len" whole >a
		exits 0 ec-decode a b c
		cmp in .out
		exits 3 ec-decode --verify a b c
	done
	{ cat whole; printf x; } >a
	exits 0 ec-decode a b c
	cmp in .out
	exits 3 ec-decode --verify a b c
}

@test "one shard too few: exit 4, nothing on stdout, no file" {
	random_file in 500000 1
	ec-encode -k 3 -m 2 -i in a b c d e
	exits 4 ec-decode a d
	[ ! -s .out ]
	[[ $ERR == *"0 bytes were good"* ]]
	exits 4 ec-decode -o out a d
	[ ! -e out ]
	exits 5 ec-decode in
	[ ! -s .out ]
	exits 5 ec-decode nothing
}

@test "beyond repair in mid-stream: exit 4, the good prefix and its length" {
	local good stripe=$((2 * 65536))
	random_file in $((stripe * 8 + 1000)) 1
	ec-encode -k 2 -m 1 -u 64K -i in a b c
	# both shards of stripe 5
	flip a $((4096 + 5 * 65536 + 100))
	flip b $((4096 + 5 * 65536 + 60000))
	exits 4 ec-decode a b c
	good=$(sed -n 's/.*: \([0-9]*\) of [0-9]* bytes were good$/\1/p' .err)
	[ "$good" -eq $((5 * stripe)) ]
	[ "$(stat -c %s .out)" -eq "$good" ]
	cmp -n "$good" in .out
	exits 4 ec-decode -o out a b c
	[ ! -e out ]
	[ -z "$(find . -name '*.tmp.*')" ]
	exits 4 ec-decode --verify a b c
	exits 4 ec-decode --repair a b c
	[[ $OUT == *"state	lost"* ]]
}

@test "damage in more shards than m, but in different places, is no loss" {
	random_file in $((4 * 65536 * 6)) 1
	ec-encode -k 4 -m 2 -u 64K -i in s0 s1 s2 s3 s4 s5
	for i in 0 1 2 3 4 5; do
		flip s$i $((4096 + i * 65536 + 7))
	done
	exits 0 ec-decode s0 s1 s2 s3 s4 s5
	cmp in .out
	exits 3 ec-decode --verify s0 s1 s2 s3 s4 s5
	[[ $OUT == *"good	0 of 6"*"state	degraded"* ]]
	exits 0 ec-decode --repair s0 s1 s2 s3 s4 s5
	exits 0 ec-decode --verify s0 s1 s2 s3 s4 s5
}

@test "shards of two objects mixed up are told apart" {
	local id
	random_file one 5000 1
	random_file two 5000 2
	ec-encode -k 2 -m 2 -i one a0 a1 a2 a3
	ec-encode -k 2 -m 2 -i two b0 b1 b2 b3
	exits 0 ec-decode a0 b1 a2
	cmp one .out
	[[ $ERR == *"b1: foreign"* ]]
	exits 6 ec-decode a0 b1 a2 b3
	[ ! -s .out ]
	[[ $ERR == *"--id"* ]]
	id=$(ec-decode --info --json b0 b1 | tail -n 1 | jq -r .id)
	exits 0 ec-decode --id "$id" a0 b1 a2 b3
	cmp two .out
	exits 4 ec-decode a0 b1
	exits 5 ec-decode --id 00000000-0000-4000-8000-000000000000 a0 a1
	# the same shard twice is one shard
	cp a0 again
	exits 4 ec-decode a0 again
	exits 0 ec-decode a0 again a3
	cmp one .out
}

@test "repair writes the very bytes again" {
	local i
	random_file in 1000001 1
	ec-encode -k 3 -m 3 -i in s0 s1 s2 s3 s4 s5
	mkdir keep
	cp s? keep
	rm s1 s4
	flip s5 9999
	exits 3 ec-decode --repair -n s0 s1 s2 s3 s4 s5
	[ ! -e s1 ] && ! cmp -s s5 keep/s5
	exits 0 ec-decode --repair s0 s1 s2 s3 s4 s5
	for i in 0 1 2 3 4 5; do
		cmp s$i keep/s$i
	done
	exits 0 ec-decode --repair s0 s1 s2 s3 s4 s5
	# a shard nobody gave a name for
	exits 3 ec-decode --repair s0 s1 s2 s3
	# a name that is anything else is left alone, or replaced when told
	echo precious >s2
	exits 3 ec-decode --repair s0 s1 s2 s3 s4 s5
	[ "$(cat s2)" = precious ]
	exits 0 ec-decode --repair -f s0 s1 s2 s3 s4 s5
	cmp s2 keep/s2
	# a destroyed header alone
	dd if=/dev/zero of=s3 bs=4096 count=1 conv=notrunc status=none
	exits 0 ec-decode s3 s0 s5
	cmp in .out
	exits 0 ec-decode --repair s0 s1 s2 s3 s4 s5
	cmp s3 keep/s3
}

@test "verify and info: states for people and for programs" {
	random_file in 100000 1
	ec-encode -k 2 -m 2 -i in a b c d
	exits 0 ec-decode --info a b c d
	[[ $OUT == *"size	100000"*"shard	3	ok	d"*"state	ok"* ]]
	rm b
	exits 3 ec-decode --info a b c d
	[[ $OUT == *"missing	b"*"good	3 of 4"*"state	degraded"* ]]
	flip a 30000
	exits 3 ec-decode --info a b c d	# data is not read
	exits 3 ec-decode --verify --json a b c d
	[ "$(jq -r 'select(.state == "damaged").path' <<<"$OUT")" = a ]
	[ "$(jq -s '.[-1] | .good, .exit' -c <<<"$OUT" | tr '\n' ' ')" = \
	    "2 3 " ]
	rm c
	exits 4 ec-decode --verify a b c d
	[[ $OUT == *"state	lost"* ]]
}

@test "fewer than k shards: --info and --verify say what they are, and lost" {
	local how

	random_file in 100000 1
	ec-encode -k 3 -m 2 -i in a b c d e
	rm a b c
	for how in --info --verify --repair; do
		exits 4 ec-decode $how d e
		[[ $ERR == *"lost: 2 of 5 shards found, 3 needed"* ]]
		grep -qx 'data	3' .out
		grep -qx 'good	2 of 5' .out
		grep -qx 'state	lost' .out
	done
	exits 4 ec-decode --info --json d e
	tail -n 1 .out | jq -e '.state == "lost" and .exit == 4 and .k == 3'
	[ ! -e a ]
}
