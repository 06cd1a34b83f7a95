#!/usr/bin/env bats
# ec-encode and ec-decode: what goes in comes out.

load lib/common

@test "every size from 0 to several stripes comes back" {
	local size stripe=$((3 * 4096))
	for size in 0 1 63 64 65 4095 4096 4097 8191 $((stripe - 1)) $stripe \
	    $((stripe + 1)) $((5 * stripe)) $((5 * stripe + 777)) 100000; do
		random_file in "$size" 7
		ec-encode -f -k 3 -m 2 -u 4K a b c d e <in
		ec-decode a b c d e >out
		cmp in out
		ec-decode e d c >out	# any three, in any order
		cmp in out
	done
}

@test "sizes around stripes of the default unit" {
	local size stripe=$((4 * 131072))
	for size in $((stripe - 1)) $stripe $((stripe + 1)) \
	    $((3 * stripe + 99)); do
		random_file in "$size" 9
		ec-encode -f -k 4 -m 2 -i in 0 1 2 3 4 5
		ec-decode -f -o out 5 3 1 0
		cmp in out
	done
}

@test "every loss of one or two shards of 4+2" {
	local i j s left
	random_file in 700001 3
	ec-encode -k 4 -m 2 -i in s0 s1 s2 s3 s4 s5
	for i in 0 1 2 3 4 5; do
		for j in 0 1 2 3 4 5; do
			left=()
			for s in 0 1 2 3 4 5; do
				[ "$s" = "$i" ] || [ "$s" = "$j" ] ||
				    left+=("s$s")
			done
			ec-decode "${left[@]}" | cmp in -
		done
	done
}

@test "tar through a pipe, into folders and back" {
	mkdir d1 d2 d3 d4 src new
	random_file src/a 100000 1
	random_file src/b 3 2
	tar c src | ec-encode -n src.tar d1 d2 d3 d4
	[ -f d1/src.tar.00.ec ] && [ -f d4/src.tar.03.ec ]
	rm d2/*
	ec-decode d* | tar x -C new
	diff -r src new/src
}

@test "one folder takes all shards, named after the input" {
	mkdir d
	random_file in.bin 10000 1
	ec-encode -k 2 -m 1 -i in.bin d
	[ "$(ls d)" = "in.bin.00.ec
in.bin.01.ec
in.bin.02.ec" ]
	ec-decode d | cmp in.bin -
}

@test "the number of places gives the geometry" {
	random_file in 1000 1
	ec-encode -i in a b c d
	exits 0 ec-decode --info a b c d
	[[ $OUT == *"data	2"* && $OUT == *"parity	2"* ]]
	ec-encode -f -k 3 -i in a b c d
	exits 0 ec-decode --info a b c d
	[[ $OUT == *"data	3"* && $OUT == *"parity	1"* ]]
	exits 2 ec-encode -k 3 -m 2 -i in a b c d
}

@test "open descriptors take shards too" {
	random_file in 300000 1
	ec-encode -k 2 -m 1 --out-fd 5,6,7 <in 5>x 6>y 7>z
	ec-decode x z | cmp in -
	exits 2 ec-encode -k 2 -m 1 --out-fd 55,56,57 -i in
}

@test "the same id in all shards, another one each time" {
	local id
	random_file in 10 1
	exits 0 ec-encode --json -k 2 -m 1 -i in a b c
	id=$(jq -r .id <<<"$OUT")
	[ "$(jq -r .exit <<<"$OUT")" = 0 ]
	exits 0 ec-decode --info --json a b c
	[ "$(tail -n 1 <<<"$OUT" | jq -r .id)" = "$id" ]
	[ "$(tail -n 1 <<<"$OUT" | jq -r .size)" = 10 ]
	exits 0 ec-encode --json -f -k 2 -m 1 -i in a b c
	[ "$(jq -r .id <<<"$OUT")" != "$id" ]
}

# peak KIB command ...: run it; it must not have used more memory than that.
peak()
{
	python3 -c '
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("peak", kib, "KiB", file=sys.stderr)
sys.exit(status or (99 if kib > int(sys.argv[1]) else 0))' "$@"
}

@test "memory does not grow with the input" {
	case $EC_BIN in
	*/plain)	;;
	*)	skip "a sanitizer's memory is its own" ;;
	esac
	head -c 300M /dev/zero |
	    peak 32768 ec-encode -k 8 -m 4 -n z "$DIR"
	peak 32768 ec-decode z.*.ec | cmp -n 314572800 - /dev/zero
	rm z.00.ec z.01.ec z.04.ec z.07.ec
	peak 32768 ec-decode z.*.ec | cmp -n 314572800 - /dev/zero
}
