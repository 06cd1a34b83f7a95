# contrib/setup.sh demo, with tools that are built.
load lib/common.bash

@test "demo --once ends well, twice at the same time, and leaves nothing" {
	local first second

	need curl aws
	export TMPDIR=$DIR/tmp
	mkdir "$TMPDIR"
	sh "$ROOT/contrib/setup.sh" demo --once >one 2>&1 3>&- &
	first=$!
	sh "$ROOT/contrib/setup.sh" demo --once >two 2>&1 3>&- &
	second=$!
	wait $first || { cat one; false; }
	wait $second || { cat two; false; }
	[ "$(grep -c 'every SHA-256 is right' one)" -eq 3 ]
	[ "$(grep -c 'every SHA-256 is right' two)" -eq 3 ]
	grep -q 'state: ONLINE' one
	[ -z "$(ls -A "$TMPDIR")" ]
}

@test "demo stays up until Ctrl-C, and what it says to paste works" {
	local n line
	need curl aws s3cmd rclone
	export TMPDIR=$DIR/tmp
	mkdir "$TMPDIR"
	server_start demo sh "$ROOT/contrib/setup.sh" demo
	server_ready demo 120 grep -q 'Paste into' demo.log
	# Lines that are continued become one.
	sed -n '/^Paste into/,$s/^  //p' demo.log |
	    awk '{ more = sub(/\\$/, ""); printf "%s%s", $0, more ? "" : "\n" }' \
	    >lines
	[ "$(grep -cE '^(aws|s3cmd|rclone|curl) ' lines)" -eq 4 ]
	grep '^export' lines >exports
	for n in aws s3cmd rclone curl; do
		line=$(grep "^$n " lines)
		(. ./exports && eval "$line") >"$n.out" 2>"$n.err" 3>&- ||
		    { echo "$line"; cat "$n.err"; false; }
		[ -s "$n.out" ]
	done
	grep -q large.bin aws.out
	grep -q large.bin s3cmd.out
	grep -q large.bin rclone.out
	cmp curl.out "$ROOT/README"
	kill -INT "$(server_pid demo)"
	server_stop demo
	[ -z "$(ls -A "$TMPDIR")" ]
}
