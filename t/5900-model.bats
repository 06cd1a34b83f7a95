#!/usr/bin/env bats
# Random requests against a model of S3 (t/model).  EC_OPERATIONS=1000000 makes
# it a long run; EC_SEED.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
}

@test "random requests are answered as the model says" {
	s3d_start
	run /usr/bin/python3 "$ROOT/t/model/play.py" -s "${EC_SEED:-$RANDOM}" \
	    -n "${EC_OPERATIONS:-1500}" "127.0.0.1:$PORT"
	echo "$output"
	[ "$status" -eq 0 ]
	echo "# $output" >&3
}
