# ec-scan: what it finds, how it says so, and that it changes nothing.
load lib/common
load lib/drives

setup()
{
	common_setup
	drives_make
}

@test "nothing wrong: nothing said, status 0" {
	put small 4000
	put large 3000000
	exits 0 ec-scan
	[ -z "$OUT$ERR" ]
	exits 0 ec-scan --deep
	[ -z "$OUT$ERR" ]
	exits 0 ec-scan --json
	[[ $OUT == *'"type":"summary"'*'"versions":2'*'"exit":0'* ]]
}

@test "a shard file is missing: light scan finds it" {
	put large 3000000
	rm "$(shard_of d2)"
	exits 3 ec-scan
	IFS=$'\t' read -r what name version text <<<"$OUT"
	[ "$what $name" = "degraded bucket/large" ]
	[[ $version =~ ^[0-9a-f]{32}$ ]]
	[ "$text" = "1 of 4 drives: $DIR/d2 missing" ]
}

@test "a shard file is short: light scan finds it" {
	put large 3000000
	truncate -s -1 "$(shard_of d3)"
	exits 3 ec-scan
	[[ $OUT == damaged*"1 of 4 drives: $DIR/d3 corrupt" ]]
}

@test "a flipped byte: only a deep scan finds it, wherever it is" {
	local file size at

	put large 1000000
	file=$(shard_of d1)
	size=$(stat -c %s "$file")
	for at in 0 100 4095 4096 300000 $((size - 100)) $((size - 1)); do
		flip "$file" "$at"
		exits 3 ec-scan --deep
		[[ $OUT == damaged*"1 of 4 drives: $DIR/d1 corrupt" ]]
		flip "$file" "$at"
	done
	flip "$file" 300000
	exits 0 ec-scan
	flip "$file" 300000
	exits 0 ec-scan --deep
}

@test "two shards gone can be healed, three are lost" {
	put large 3000000
	rm "$(shard_of d1)" "$(shard_of d2)"
	exits 3 ec-scan
	[[ $OUT == degraded*"2 of 4 drives"* ]]
	rm "$(shard_of d3)"
	exits 4 ec-scan
	[[ $OUT == lost*"3 of 4 drives"* ]]
	exits 4 ec-scan --json
	[[ $OUT == *'"what":"lost","bucket":"bucket","key":"large"'* ]]
	[[ $OUT == *'"exit":4}' ]]
}

@test "a drive that is away is one finding; too many: undecided" {
	put large 3000000
	put small 100
	mv d1 away
	exits 3 ec-scan
	[ "$OUT" = "drive	$DIR/d1	-	drive is offline" ]
	mv away d1
	exits 0 ec-scan
}

@test "it writes nothing to objects, and finds the same twice" {
	put large 3000000
	rm "$(shard_of d1)"
	flip "$(shard_of d2)" 5000
	shard_sums >before
	exits 3 ec-scan --deep
	first=$OUT
	exits 3 ec-scan --deep
	[ "$first" = "$OUT" ]
	shard_sums | cmp - before
	[ -z "$(find d?/.ec/quarantine -type f)" ]
}

@test "--bucket confines it" {
	put a/one 1000000
	put b/one 1000000
	rm d1/shard/*/*
	exits 3 ec-scan -b bucket/a/
	[[ $OUT == degraded*bucket/a/one* ]]
	[ "$(wc -l <<<"$OUT")" -eq 1 ]
	exits 3 ec-scan -b bucket
	[ "$(wc -l <<<"$OUT")" -eq 2 ]
	exits 0 ec-scan -b other
	exits 2 ec-scan -b 'No such'
}

@test "names with control characters are escaped; with -0 they are not" {
	local key=$'a\tb\nc\\d'

	random_file f 1000000
	ec-put "bucket/$key" <f
	rm d1/shard/*/*
	exits 3 ec-scan
	[[ $OUT == degraded$'\t''bucket/a\tb\nc\\d'$'\t'* ]]
	ec-scan -0 >out && return 1
	[ "$(tr -d '\0' <out | wc -l)" -eq 1 ]
	[[ $(tr '\0' '#' <out) == degraded$'\t'"bucket/$key"$'\t'*'#' ]]
	ec-scan | ec-heal -
	exits 0 ec-scan
	rm d1/shard/*/*
	ec-scan -0 | ec-heal -0 -
	exits 0 ec-scan
	rm d1/shard/*/*
	ec-scan -j | ec-heal -
	exits 0 ec-scan
	ec-get "bucket/$key" | cmp - f
}

@test "a shard file that no record names is litter, when it is old enough" {
	local name=00112233445566778899aabbccddeeff-1

	put large 1000000
	mkdir -p d1/shard/00
	echo litter >"d1/shard/00/$name"
	exits 0 ec-scan
	exits 3 ec-scan --litter-age 0
	[[ $OUT == "litter	$DIR/d1	-	shard 1 of "*"7 bytes"* ]]
	touch -d '2 hours ago' "d1/shard/00/$name"
	exits 3 ec-scan
	exits 3 ec-scan -j
	[[ $OUT == *'"what":"litter","drive":"'"$DIR/d1"'"'* ]]
}

@test "--rate holds it back" {
	local start end

	put large 2000000
	start=$(date +%s%N)
	exits 0 ec-scan --deep --rate 4M
	end=$(date +%s%N)
	# 4 shards of 1 MB each at 4 MiB a second
	[ $((end - start)) -gt 700000000 ]
}

@test "--status: online, degraded, faulted" {
	exits 0 ec-scan --status
	[[ $OUT == *" state: ONLINE"* ]]
	[[ $OUT == *"every set can lose 2 more drives."* ]]
	mv d1 away1
	exits 3 ec-scan --status
	[[ $OUT == *" state: DEGRADED"* ]]
	[[ $OUT == *"1 drive cannot be used."*"lose 1 more drive."* ]]
	[[ $OUT == *"action: "*ec-heal* ]]
	[[ $OUT =~ "$DIR/d1"\ +UNAVAIL ]]
	exits 3 ec-scan --status --line
	[[ $OUT == "DEGRADED: 1 of 4 drives away, 0 versions to heal, every set"* ]]
	exits 3 ec-scan --status -H
	[ "$(wc -l <<<"$OUT")" -eq 4 ]
	[[ $OUT == "$DIR/d1	0	0	UNAVAIL	"* ]]
	exits 3 ec-scan --status --json
	[[ $OUT == *'"type":"summary"'*'"state":"DEGRADED"'*'"away":1'* ]]
	mv d2 away2
	exits 8 ec-scan --status
	[[ $OUT == *"can be read, new ones cannot be written"* ]]
	mv away1 d1
	mv away2 d2
	exits 0 ec-scan --status
}

@test "misuse" {
	exits 2 ec-scan -H
	exits 2 ec-scan -j -0
	exits 2 ec-scan --rate 0
	unset EC_VOLUMES
	exits 2 ec-scan
}

@test "a journal that does not hold is a finding, of its drive" {
	local at

	put one 1000
	put two 1000 2
	put three 1000 3
	at=$(grep -abom 1 two d1/.ec/journal/* | head -n 1)
	flip "$(echo d1/.ec/journal/*)" "$((${at%%:*} + 200))"
	rm d1/.ec/index.db*
	exits 3 ec-scan
	[[ $OUT == *"drive	$DIR/d1	-	its journal does not hold in 1 place"* ]]
	[[ $OUT == *"degraded"*"bucket/two"* ]]
	rm d1/.ec/index.db*
	exits 0 ec-heal --all
	all_there
	exits 0 ec-scan --deep
}
