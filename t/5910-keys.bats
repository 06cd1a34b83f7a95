#!/usr/bin/env bats
# Names of objects of every kind (t/model/keys.py).
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
}

# Every file that is not on a drive, nor this test's own.
beside()
{
	find . -path './d[1-4]' -prune -o -type f ! -name '*.log' \
	    ! -name 'beside.*' -exec cksum {} + | sort
}

@test "every name is kept as it is, or refused; no file beside the drives" {
	echo canary >canary
	s3d_start
	beside >beside.before
	run /usr/bin/python3 "$ROOT/t/model/keys.py" "127.0.0.1:$PORT"
	echo "$output"
	[ "$status" -eq 0 ]
	beside >beside.after
	diff beside.before beside.after
	# On the drives there are only names of the drives' own.
	[ -z "$(find d? -name '*canary*' -o -name '*passwd*' -o -name 'k?x')" ]
	echo "# $output" >&3
}
