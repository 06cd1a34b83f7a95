# Damaged shard files that heal has replaced: kept, seen, taken back, purged.
load lib/common
load lib/drives

setup()
{
	common_setup
	drives_make
	put large 1000000
	shard_sums >sums
}

# One damaged file in quarantine, and its name there.
kept_one()
{
	flip "$(shard_of d2)" 9000
	exits 0 ec-heal --all --deep
	shard_sums | diff - sums
	exits 0 ec-heal quarantine
	[ "$(wc -l <<<"$OUT")" -eq 1 ]
	NAME=$(cut -f 2 <<<"$OUT")
}

@test "listed, shown, restored, purged" {
	kept_one
	[[ $OUT == "$DIR/d2	"*"-"*"	"*"	20"*Z ]]
	exits 0 ec-heal quarantine --json
	[[ $OUT == *'"name":"'"$NAME"'"'*'"since":"20'* ]]
	exits 0 ec-heal quarantine show "$NAME"
	[[ $OUT == *"	bucket/large	part 1, shard "?" of 2+2	"* ]]
	[[ $OUT == *"damaged at byte 4096: of 8 leaves 1 do not hold" ]]
	exits 0 ec-heal quarantine show --json
	[[ $OUT == *'"key":"large"'*'"bad_leaves":1'* ]]
	exits 0 ec-scan --status
	[[ $OUT == *"kept: 1 damaged shard file, "* ]]
	exits 0 ec-scan --status --json
	[[ $OUT == *'"quarantine_files":1'* ]]
	# It counts for nothing.
	exits 0 ec-scan --deep
	[ -z "$OUT" ]
	exits 0 ec-heal quarantine restore "$NAME"
	exits 3 ec-scan --deep
	[[ $OUT == damaged* ]]
	# What was in its place is sound, and can be taken back in turn.
	exits 0 ec-heal quarantine show
	[[ $OUT == *"all of its hashes hold" ]]
	exits 5 ec-heal quarantine restore "$NAME"
	[[ $ERR == *"$NAME: in no quarantine"* ]]
	exits 0 ec-heal quarantine restore "$(ec-heal quarantine | cut -f 2)"
	exits 0 ec-scan --deep
	shard_sums | diff - sums
	exits 2 ec-heal quarantine purge
	exits 0 ec-heal quarantine purge --all
	exits 0 ec-heal quarantine
	[ -z "$OUT" ]
	[ -z "$(find d?/.ec/quarantine -type f)" ]
	all_there
}

@test "what no longer is a shard file can be shown" {
	truncate -s 5000 "$(shard_of d1)"
	flip "$(shard_of d2)" 20
	exits 0 ec-heal --all --deep
	exits 0 ec-heal quarantine show
	[[ $OUT == *"its end does not hold"*"its header does not hold"* ]]
}

@test "through a server" {
	kept_one
	export EC_ROOT_USER=tester EC_ROOT_PASSWORD=a9e1c3b5d7
	free_port
	server_start s3d ec-s3d --address "127.0.0.1:$PORT" "$EC_VOLUMES"
	server_ready s3d 20 curl -sf "http://127.0.0.1:$PORT/ec/health/ready"
	exits 0 ec-heal quarantine show "$NAME"
	[[ $OUT == *"damaged at byte 4096: of 8 leaves 1 do not hold" ]]
	exits 0 ec-heal quarantine purge "$NAME"
	exits 0 ec-heal quarantine
	[ -z "$OUT" ]
	all_there
}

# In a name space of its own, where anybody may mount.
@test "it fills no drive: bounded by a twentieth of the file system" {
	unshare -rm true 2>/dev/null || skip "no name spaces here"
	mkdir m
	cat >run <<-'EOF'
	set -eux
	. lib
	mount -t tmpfs -o size=32M none m
	mkdir m/d1 m/d2 m/d3 m/d4
	ec-put --format --bucket bucket
	for i in 1 2 3 4 5 6; do
		head -c 1000000 big | ec-put bucket/$i
	done
	for f in m/d2/shard/*/*; do flip "$f" 9000; done
	ec-heal --all --deep 2>err
	ec-scan --deep
	[ "$(ec-heal quarantine | wc -l)" -eq 3 ]
	[ "$(grep -c "no room in quarantine" err)" -eq 3 ]
	EOF
	declare -f flip >lib
	random_file big 1000000
	export EC_VOLUMES="$DIR/m/d{1...4}"
	unshare -rm bash run
}

# Nothing is lost: the file is in quarantine or in its place.
still_there()
{
	[ "$(find d2/.ec/quarantine d2/shard -type f | wc -l)" -ge 2 ] &&
	    exits 0 ec-heal --all --deep && shard_sums | diff - sums
}

@test "restore and purge killed at any moment" {
	local spec

	kept_one
	cp -a d1 d2 d3 d4 home
	EC_FAULT_PATH=$DIR/d
	export EC_FAULT_PATH
	again()
	{
		rm -rf d1 d2 d3 d4
		cp -a home/d? .
	}
	for spec in kill@fsync:N kill@renameat:N kill@link:N fsync:N \
	    renameat:N link:N; do
		fault_loop "$spec" again still_there \
		    ec-heal quarantine restore "$NAME"
	done
	purged()
	{
		shard_sums | diff - sums && exits 0 ec-heal quarantine
	}
	for spec in kill@unlink:N unlink:N; do
		fault_loop "$spec" again purged \
		    ec-heal quarantine purge "$NAME"
	done
}
