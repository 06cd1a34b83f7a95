# Programs that are told of events.
load lib/common
load lib/drives

setup()
{
	common_setup
	drives_make
	mkdir hooks
	cat >hooks/10-note <<-EOF
	#!/bin/sh
	env >>"$DIR/events.tmp"
	echo >>"$DIR/events.tmp"
	echo "\$EC_EVENT \$EC_DRIVE \$EC_WAS \$EC_STATE \$EC_FOUND \$EC_HEALED" \\
	    >>"$DIR/events"
	EOF
	chmod +x hooks/10-note
	# None of these is run.
	cp hooks/10-note "hooks/20-note~"
	cp hooks/10-note hooks/.30
	cp hooks/10-note hooks/40-note
	chmod -x hooks/40-note
}

# told LINE: some event was this one, in the end.
told()
{
	local i

	for ((i = 0; i < 600; i++)); do
		grep -qx "$1" events 2>/dev/null && return
		sleep 0.1
	done
	echo "not told: $1"
	cat events
	return 1
}

@test "ec-scan and ec-heal tell of their end" {
	put large 700000
	rm "$(shard_of d1)"
	exits 3 ec-scan --hook hooks
	[ "$(cat events)" = "scan_finish   finished 1 " ]
	exits 0 ec-heal --all --hook hooks/10-note
	[ "$(tail -n 1 events)" = "heal_finish     1" ]
	[ "$(wc -l <events)" -eq 2 ]
	exits 5 ec-scan --hook nothing
	[[ $ERR == *"nothing: No such file"* ]]
}

@test "a server tells of drives, damage and heals; secrets stay with it" {
	put large 700000
	export EC_ROOT_USER=tester EC_ROOT_PASSWORD=a9e1c3b5d7
	free_port
	server_start s3d ec-s3d --address "127.0.0.1:$PORT" --hook hooks \
	    "$EC_VOLUMES"
	server_ready s3d 60 curl -sf "http://127.0.0.1:$PORT/ec/health/ready"
	mv d3 away
	put other 500
	told "drive_state $DIR/d3 ONLINE [A-Z]*  "
	mv away d3
	told "drive_state $DIR/d3 [A-Z]* ONLINE  "
	told "heal_finish     [1-9].*"
	# Whichever two drives are read, some of it is met.
	flip "$(shard_of d1)" 9000
	flip "$(shard_of d2)" 9000
	flip "$(shard_of d3)" 150000
	flip "$(shard_of d4)" 150000
	curl -sf --aws-sigv4 aws:amz:us-east-1:s3 \
	    --user "$EC_ROOT_USER:$EC_ROOT_PASSWORD" \
	    "http://127.0.0.1:$PORT/bucket/large" | cmp - data/large
	told "data_error $DIR/d[1-4]    "
	exits 1 grep -q a9e1c3b5d7 events.tmp
	grep -q "^PATH=" events.tmp
	server_stop s3d
}

# gone PID: it has ended, or does in a moment.
gone()
{
	local i

	for ((i = 0; i < 600; i++)); do
		grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status" ||
		    return 0
		sleep 0.1
	done
	return 1
}

@test "a hook that hangs delays nobody, and is killed with its children" {
	cat >hooks/10-note <<-EOF
	#!/bin/sh
	sleep 1000 &
	echo \$! >"$DIR/pid"
	wait
	EOF
	put large 700000
	exits 0 ec-scan --hook hooks
	[[ $ERR == *"takes too long and is killed"* ]]
	gone "$(cat pid)"
}

# faulted_events: how often d3 was told to be taken out, and taken in.
faulted_events()
{
	echo "$(grep -c "^drive_state $DIR/d3 .* FAULTED" events)" \
	    "$(grep -c "^drive_state $DIR/d3 FAULTED " events)"
}

s3()
{
	curl -sS --fail-with-body --aws-sigv4 aws:amz:us-east-1:s3 \
	    --user "$EC_ROOT_USER:$EC_ROOT_PASSWORD" \
	    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
	    "${@:1:$#-1}" "http://127.0.0.1:$PORT${*: -1}"
}

@test "a drive that fails again and again is out until it takes a write" {
	local preload=$EC_BIN/fault.so i

	[ ! -e "$EC_BIN/fault-sanitized.so" ] ||
	    preload=$EC_BIN/fault-sanitized.so
	export EC_ROOT_USER=tester EC_ROOT_PASSWORD=a9e1c3b5d7
	put before 700000
	free_port
	# It can be read, and tells who it is; it fails to keep what is written.
	server_start s3d env LD_PRELOAD="$preload" \
	    EC_FAULT=fsync:1+:EIO,fdatasync:1+:EIO EC_FAULT_PATH="$DIR/d3/" \
	    ASAN_OPTIONS="verify_asan_link_order=0:$ASAN_OPTIONS" \
	    EC_FAULT_WHEN="$DIR/when" ec-s3d --address "127.0.0.1:$PORT" \
	    --hook hooks "$EC_VOLUMES"
	server_ready s3d 60 curl -sf "http://127.0.0.1:$PORT/ec/health/ready"
	touch when
	put small 500
	told "drive_state $DIR/d3 ONLINE FAULTED  "
	grep -q "^EC_WHY=input/output error" events.tmp
	# Each of these would fail there again.
	for i in {1..30}; do
		s3 -T data/before "/bucket/more$i"
		sleep 0.1
	done
	s3 /ec/status >status
	jq -r '.drives[] | "\(.state) \(.)"' status | grep "$DIR/d3" |
	    grep -i "input/output error"
	[ "$(faulted_events)" = "1 0" ]
	rm when
	told "drive_state $DIR/d3 FAULTED [A-Z]*  "
	told "heal_finish     [1-9].*"
	[ "$(faulted_events)" = "1 1" ]
	all_there
	server_stop s3d
	exits 0 ec-heal
	exits 0 ec-scan --deep
}
