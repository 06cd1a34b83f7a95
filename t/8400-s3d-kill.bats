#!/usr/bin/env bats
# ec-s3d killed with SIGKILL under load, drives pulled and replaced: what was
# acknowledged is there afterwards.  EC_KILLS=1000 makes it a long run.

load lib/common.bash

@test "killed again and again: nothing acknowledged is lost (2+2)" {
	local cycles=${EC_KILLS:-30}

	run /usr/bin/python3 "$ROOT/t/lib/chaos.py" "$EC_BIN/ec-s3d" \
	    "$DIR/d{1...4}" "$cycles"
	echo "$output"
	[ "$status" -eq 0 ]
	echo "# $output" >&3
}
