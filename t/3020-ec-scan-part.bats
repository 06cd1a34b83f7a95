# ec-scan of a part: what is known, a pool, a set, a drive.
load lib/common
load lib/drives

setup()
{
	common_setup
	drives_make
}

@test "--known: what the queue has, and nothing else" {
	put queued 1000000
	put other 1000000 2
	exits 0 ec-scan --known
	[ -z "$OUT$ERR" ]
	rm "$(shard_of d1)"
	mv d4 away
	put missed 700000 3
	mv away d4
	# What is not in the queue is not looked at.
	exits 3 ec-scan --known
	[[ $OUT == degraded$'\t'bucket/missed$'\t'*"1 of 4 drives: $DIR/d4 missing" ]]
	exits 0 ec-scan --known --bucket bucket/other
	exits 3 ec-scan --repair
	[ "$(wc -l <<<"$OUT")" -eq 2 ]
	exits 3 ec-scan --known
	[ "$(wc -l <<<"$OUT")" -eq 2 ]
	exits 0 ec-heal
	exits 0 ec-scan --known
	[ -z "$OUT" ]
	exits 0 ec-scan --deep
}

@test "--known: a shard that a reader met is verified to its last byte" {
	local file size

	put large 3000000
	file=$(shard_of d1)
	size=$(stat -c %s "$file")
	flip "$file" $((size / 2))
	# Reading is a look at the data shards: one of them may be parity.
	ec-scan --deep --repair >found || [ $? -eq 3 ]
	exits 3 ec-scan --known
	[[ $OUT == damaged*"1 of 4 drives: $DIR/d1 corrupt" ]]
	diff found - <<<"$OUT"
}

@test "--known: a new drive is one finding" {
	put large 700000
	put small 400
	rm -r d2 && mkdir d2
	# Taken in by a heal that is not to look at all.
	ec-heal --bucket bucket/small
	exits 3 ec-scan --known
	[[ $OUT == drive$'\t'"$DIR/d2"$'\t-\tnew, and not filled yet' ]]
	exits 0 ec-heal
	exits 0 ec-scan --known
}

@test "--drive: what that one lacks, and only its bytes are read" {
	local all one

	put large 3000000
	put more 3000000 2
	exits 0 ec-scan --deep --json
	all=$(jq 'select(.type == "summary").bytes_read' <<<"$OUT")
	exits 0 ec-scan --deep --json --drive "$DIR/d2"
	one=$(jq 'select(.type == "summary").bytes_read' <<<"$OUT")
	[ $((one * 3)) -lt "$all" ]
	[ $((one * 5)) -gt "$all" ]
	flip "$(shard_of d2)" 5000
	rm "$(shard_of d3)"
	exits 3 ec-scan --drive "$DIR/d3"
	[[ $OUT == degraded*"$DIR/d3 missing" ]]
	exits 0 ec-scan --drive "$DIR/d2"
	exits 3 ec-scan --deep --drive "$DIR/d2"
	[[ $OUT == damaged*"$DIR/d2 corrupt"* ]]
	exits 0 ec-scan --deep --drive "$DIR/d1"
	exits 5 ec-scan --drive /nowhere
	exits 2 ec-scan --known start
	exits 2 ec-scan --known --known
}

@test "--pool and --set, kept for the slices to come" {
	local i

	put one 700000
	for i in {1..8}; do
		mkdir "e$i"
	done
	EC_VOLUMES="$EC_VOLUMES $DIR/e{1...8}"
	ec-put --format
	# Each key goes to either pool.
	for i in {1..100}; do
		put "new/$i" 700000 "$i"
		[ -z "$(find e1/shard -type f)" ] || break
	done
	find d1/shard e1/shard -type f -delete
	exits 3 ec-scan
	echo "$OUT" >all
	exits 3 ec-scan --set 1
	echo "$OUT" >one
	exits 3 ec-scan --pool 0
	diff one - <<<"$OUT"
	ec-scan --pool 1 >two || [ $? -eq 3 ]
	cat one two | sort | diff <(sort all) -
	exits 5 ec-scan --set 3
	exits 5 ec-scan --pool 2
	# Of a pass over one pool, a slice for each finding.
	exits 3 ec-scan start --pool 0 --errors 1
	for i in {1..110}; do
		[ "$(ec-scan status --json | jq -r .state)" = paused ] || break
		ec-scan continue --errors 1 >>slices || true
	done
	[ "$(ec-scan status --json | jq -r .state)" = finished ]
	run ! grep "$DIR/e" slices
}
