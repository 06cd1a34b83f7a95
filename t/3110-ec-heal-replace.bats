# ec-heal replace: a drive that still works is copied to the one that takes its
# place, and what the copy lacks is healed.
load lib/common
load lib/drives

setup()
{
	common_setup
	drives_make
	put_kinds
	mkdir new
}

teardown()
{
	rm -rf "${OTHER:-$DIR/none}"
	common_teardown
}

whole()
{
	exits 0 ec-scan --deep
	exits 0 ec-scan --status
	exits 1 grep filling d?/.ec/format.json
	all_there
}

@test "without a server: the same bytes, and the old one is no drive" {
	exits 0 ec-heal replace "$DIR/d2" "$DIR/new"
	[[ $OUT == census*"0 findings" ]]
	whole
	shard_sums | diff - sums
	[ -e new/shard ]
	[ ! -e new/.ec/format.json ]
	# Each drive may be the next.
	for d in d1 d3 d4; do
		mkdir "new-$d"
		exits 0 ec-heal replace -q "$DIR/$d" "$DIR/new-$d"
		[ -z "$ERR" ]
	done
	whole
	shard_sums | diff - sums
}

# replace_flushes FOLDER: how often what is below it is flushed.
replace_flushes()
{
	rm -rf sub
	mkdir -p sub/new
	EC_FAULT_PATH=$1 fault_run fsync:0 ec-heal replace -q "$DIR/d2" \
	    "$DIR/sub/new"
	[ "$STATUS" -eq 0 ]
	fault_seen fsync
}

@test "both names are flushed, and then the end of the old drive" {
	# Of the copy the drive, its format and .ec; then the folder that it was
	# in, and .ec of the old one there.
	[ "$(replace_flushes "$DIR/sub")" -eq 5 ]
	whole
}

@test "what was damaged or missing on the old one is made anew" {
	flip "$(shard_of d2)" 9000
	rm "$(find d2/shard -type f | sort | tail -n 1)"
	exits 0 ec-heal replace --deep "$DIR/d2/" "$DIR/new"
	whole
	shard_sums | diff - sums
}

@test "what is not to be replaced, or no place for it" {
	exits 5 ec-heal replace "$DIR/new" "$DIR/d2"
	[[ $ERR == *"$DIR/new: none of these drives"* ]]
	exits 6 ec-heal replace "$DIR/d2" "$DIR/d3"
	echo precious >new/file
	exits 6 ec-heal replace "$DIR/d2" "$DIR/new"
	[ "$(cat new/file)" = precious ]
	exits 2 ec-heal replace
	exits 2 ec-heal replace --all "$DIR/d2" "$DIR/new"
	whole
	shard_sums | diff - sums
}

@test "begun, ended, and gone on with" {
	mkdir -p new/.ec/journal new/shard/00
	head -c 200 d2/.ec/journal/0000000000000001.seg \
	    >new/.ec/journal/0000000000000001.seg
	echo none >new/.ec/journal/0000000000000000.seg
	exits 0 ec-heal replace "$DIR/d2" "$DIR/new"
	whole
	shard_sums | diff - sums
}

@test "on another file system: copied, to be mounted by hand" {
	OTHER=$(mktemp -d /tmp/ec-test.XXXXXX)
	[ "$(stat -c %d "$OTHER")" != "$(stat -c %d "$DIR")" ] ||
	    skip "/tmp is the same file system"
	mkdir "$OTHER/new"
	exits 3 ec-heal replace "$DIR/d2" "$OTHER/new"
	[[ $ERR == *"mount it there instead, then run ec-heal --wait"* ]]
	# Written to the old one after it was copied.
	put later 300000
	put small 40 3
	ec-put --delete bucket/over
	rm data/over
	mv d2 old
	mv "$OTHER/new" d2
	all_there
	exits 0 ec-heal --wait
	whole
}

@test "an empty directory in its place: filled before it returns" {
	rm -rf d3
	mkdir d3
	exits 0 ec-heal replace "$DIR/d3"
	[[ $OUT == census*"0 findings" ]]
	whole
	shard_sums | diff - sums
}

write_on()
{
	local i

	for ((i = 0; i < 1000; i++)); do
		[ ! -e stop ] || break
		put "w/$((i % 40))" "$((i * 3701 % 400000))" "$i" || break
		touch begun
	done
	touch written
}

@test "while a server has it and clients write" {
	export EC_ROOT_USER=tester EC_ROOT_PASSWORD=a9e1c3b5d7
	free_port
	server_start s3d ec-s3d --address "127.0.0.1:$PORT" "$EC_VOLUMES"
	server_ready s3d 60 curl -sf "http://127.0.0.1:$PORT/ec/health/ready"
	write_on >writer.out 2>&1 3>&- &
	server_ready s3d 60 test -e begun
	exits 0 ec-heal replace --time 300 "$DIR/d2" "$DIR/new"
	touch stop
	server_ready s3d 60 test -e written
	exits 0 ec-heal --wait --time 300
	server_stop s3d
	whole
}
