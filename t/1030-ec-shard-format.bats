#!/usr/bin/env bats
# The format of shard files: golden files of each version, and a second reader
# made from ec-shard(5) alone.

load lib/common

# object BYTES: what all golden shards hold.
object()
{
	python3 -c 'import sys
sys.stdout.buffer.write(
    bytes((i * i // 7 + i // 253) & 255 for i in range(int(sys.argv[1]))))' \
	    "$1"
}

@test "ec-decode reads golden shards of version 1" {
	local g=$ROOT/t/golden/shard-1 name
	for name in empty:0 plain:10001 named:777 leaves:140000; do
		object "${name#*:}" >want
		exits 0 ec-decode "$g/${name%:*}".*.ec
		cmp want .out
		exits 0 ec-decode --verify "$g/${name%:*}".*.ec
	done
	exits 0 ec-decode --info --json "$g"/named.*.ec
	[ "$(tail -n 1 <<<"$OUT" | jq -r '.k, .m, .unit, .part, .size' |
	    tr '\n' ' ')" = "3 2 65536 42 777 " ]
	[ "$(tail -n 1 <<<"$OUT" | jq -r .key)" = "folder/käse" ]
	exits 0 ec-decode --info "$g"/named.*.ec
	[[ $OUT == *"bucket	bucket"*"key	folder/käse"* ]]
}

@test "a reader that knows only ec-shard(5) reads them too" {
	local g=$ROOT/t/golden/shard-1
	object 10001 >want
	"$ROOT/t/golden/read-shard" "$g"/plain.[12].ec | cmp want -
	object 140000 >want
	"$ROOT/t/golden/read-shard" "$g"/leaves.[12].ec | cmp want -
	object 777 >want
	"$ROOT/t/golden/read-shard" "$g"/named.[134].ec | cmp want -
	[ -z "$("$ROOT/t/golden/read-shard" "$g"/empty.[13].ec)" ]
}

@test "and it reads what ec-encode writes today" {
	local size
	for size in 1 12288 12289 200001; do
		random_file in "$size" "$size"
		ec-encode -f -k 3 -m 2 -u 4K -i in a b c d e
		"$ROOT/t/golden/read-shard" b e d | cmp in -
	done
}

@test "another version is refused, and said to be one" {
	random_file in 100 1
	ec-encode -k 1 -m 1 -i in a b
	printf '\2' | dd of=a bs=1 seek=8 conv=notrunc status=none
	printf '\2' | dd of=b bs=1 seek=8 conv=notrunc status=none
	exits 5 ec-decode a b
	[[ $ERR == *"version"* ]]
}
