# ec-s3d: many clients at once, drives that go and come, kill -9.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	need_boto3
}

hammer()
{
	/usr/bin/python3 "$ROOT/t/lib/s3_hammer.py" "$S3" "$@"
}

# hammer_begun: wait until its clients are at work.
hammer_begun()
{
	local tries

	for tries in {1..200}; do
		! grep -q seed hammer.log || return 0
		sleep 0.1
	done
	echo "no hammer after $tries tries"
	return 1
}

@test "eight clients, each with a model of its keys" {
	s3d_start
	hammer 6
	server_stop s3d
	ec-scan --deep "$DIR/d{1...4}"
}

@test "of many who write on one condition one wins" {
	s3d_start
	/usr/bin/python3 "$ROOT/t/lib/s3_races.py" "$S3"
}

@test "the same while a drive is torn out and an empty one put in" {
	s3d_start
	hammer 14 >hammer.log 2>&1 3>&- &
	hammer=$!
	hammer_begun
	sleep 3
	tear_out d2
	sleep 2
	mkdir -p d2
	status=0
	wait $hammer || status=$?
	cat hammer.log
	[ $status -eq 0 ]
	server_stop s3d
	ec-heal "$DIR/d{1...4}"
	ec-scan --deep "$DIR/d{1...4}"
}

@test "the same while the server is killed four times" {
	s3d_start
	hammer 16 >hammer.log 2>&1 3>&- &
	hammer=$!
	hammer_begun
	for pause in 2 1 2 1; do
		sleep $pause
		server_kill s3d
		s3d_start
	done
	status=0
	wait $hammer || status=$?
	cat hammer.log
	[ $status -eq 0 ]
	server_stop s3d
	# Writes that were cut off by the kill may be on some drives only.
	export EC_VOLUMES="$DIR/d{1...4}"
	ec-scan >findings || [ $? -eq 3 ]
	ec-heal - <findings
	ec-scan --deep
}
