# ec-s3d: starting, stopping, refusing; the conformance script.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
}

@test "serves, obeys SIGTERM, serves the same again" {
	random_file f 300000
	s3d_start
	s3 -X PUT "$S3/bucket"
	s3 -T f "$S3/bucket/f"
	server_stop s3d
	s3d_start
	s3 "$S3/bucket/f" | cmp - f
	server_stop s3d
}

@test "what was acknowledged survives kill -9" {
	s3d_start
	s3 -X PUT "$S3/bucket"
	for i in 1 2 3 4 5; do
		random_file "f$i" $((i * 90000)) "$i"
		s3 -T "f$i" "$S3/bucket/f$i"
	done
	server_kill s3d
	s3d_start
	for i in 1 2 3 4 5; do
		s3 "$S3/bucket/f$i" | cmp - "f$i"
	done
}

@test "starts in less than 100 ms on drives that are there" {
	s3d_start
	server_stop s3d
	s3d_start
	grep -q 'serving' s3d.log
	ms=$(sed -n 's/.*started in \([0-9]*\) ms.*/\1/p' s3d.log | tail -n 1)
	echo "started in $ms ms"
	# A sanitizer or a busy machine may take its time.
	[ "$ms" -lt 2000 ]
}

@test "refuses to start without good credentials" {
	unset EC_ROOT_USER
	exits 2 ec-s3d -a 127.0.0.1:0 "$DIR/d{1...4}"
	[[ $ERR == *"EC_ROOT_USER is not set"* ]]
	export EC_ROOT_USER=minioadmin
	EC_ROOT_PASSWORD=minioadmin exits 2 ec-s3d -a 127.0.0.1:0 \
	    "$DIR/d{1...4}"
	EC_ROOT_PASSWORD=short exits 2 ec-s3d -a 127.0.0.1:0 "$DIR/d{1...4}"
	[[ $ERR == *"8 to 256 characters"* ]]
	unset EC_ROOT_PASSWORD
	exits 2 ec-s3d -a 127.0.0.1:0 "$DIR/d{1...4}"
}

@test "takes credentials from files" {
	echo "$EC_ROOT_USER" >user
	echo "$EC_ROOT_PASSWORD" >password
	unset EC_ROOT_USER EC_ROOT_PASSWORD
	export EC_ROOT_USER_FILE=$DIR/user EC_ROOT_PASSWORD_FILE=$DIR/password
	s3d_start
	s3 -X PUT "$S3/bucket"
}

@test "misuse, a bad address, a port in use" {
	exits 2 ec-s3d --parity 99 "$DIR/d{1...4}"
	exits 2 ec-s3d --nonsense
	exits 2 ec-s3d -a nowhere "$DIR/d{1...4}"
	s3d_start
	mkdir e1 e2
	exits 9 ec-s3d -a "127.0.0.1:$PORT" "$DIR/e{1...2}"
	[[ $ERR == *"127.0.0.1:$PORT: in use" ]]
	[ -z "$(find e1 e2 -mindepth 1)" ]
}

@test "health needs no credentials and tells the truth" {
	s3d_start
	for path in live ready cluster cluster/read; do
		curl -sf "$S3/ec/health/$path"
		curl -sf "$S3/minio/health/$path"
		curl -sfI "$S3/ec/health/$path"
	done
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$S3/ec/status")" = 403 ]
	s3 "$S3/ec/status" | jq -e '.drives | length == 4'
	s3 "$S3/ec/status" | jq -e '.sets[0].read_failures_survivable == 2'
}

@test "logs each request once, without signatures" {
	s3d_start
	s3 -X PUT "$S3/bucket"
	curl -s "$S3/bucket?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=abcdef"
	[ "$(grep -c ' PUT /bucket 200 .* CreateBucket' s3d.log)" = 1 ]
	[ "$(grep -c 'X-Amz-Signature=- 400' s3d.log)" = 1 ]
	[ "$(grep -c abcdef s3d.log)" = 0 ]
	[ "$(grep -cF "$EC_ROOT_PASSWORD" s3d.log)" = 0 ]
}

@test "what S3 promises, asked through boto3" {
	need_boto3
	s3d_start
	/usr/bin/python3 "$ROOT/t/lib/s3_conformance.py" "$S3"
}

@test "SIGTERM lets a request under way end, and cuts one that never does" {
	s3d_start
	s3 -X PUT "$S3/bucket"
	random_file f 6000000
	"${S3_CURL[@]}" --limit-rate 3M -T f "$S3/bucket/f" >/dev/null 3>&- &
	quick=$!
	"${S3_CURL[@]}" --limit-rate 200k -T f "$S3/bucket/slow" \
	    >/dev/null 2>&1 3>&- &
	slow=$!
	sleep 0.7
	server_stop s3d
	wait $quick
	status=0
	wait $slow || status=$?
	[ $status -ne 0 ]
	s3d_start
	s3 "$S3/bucket/f" | cmp - f
	[ "$(s3 -o /dev/null -w '%{http_code}' "$S3/bucket/slow" || true)" = 404 ]
}

@test "memory stays the same however large the objects and many the clients" {
	s3d_start
	s3 -X PUT "$S3/bucket"
	random_file f 100000000
	pids=()
	for i in 1 2 3 4 5 6 7 8; do
		"${S3_CURL[@]}" -T f "$S3/bucket/f$i" >/dev/null 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	pids=()
	for i in 1 2 3 4 5 6 7 8; do
		"${S3_CURL[@]}" -o /dev/null "$S3/bucket/f$i" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	kib=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' \
	    "/proc/$(server_pid s3d)/status")
	echo "$kib KiB at most"
	[ "$kib" -lt 262144 ]
}

@test "starts while a quorum of drives is there, and says what is lacking" {
	random_file f 300000
	s3d_start
	s3 -X PUT "$S3/bucket"
	s3 -T f "$S3/bucket/f"
	server_stop s3d
	mv d1 away1
	s3d_start
	s3 "$S3/bucket/f" | cmp - f
	s3 -T f "$S3/bucket/g"
	server_stop s3d
	mv d2 away2
	server_start s3d ec-s3d -a "127.0.0.1:$PORT" "$DIR/d{1...4}"
	server_ready s3d 20 curl -sf "$S3/ec/health/cluster/read"
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$S3/ec/health/ready")" = 503 ]
	s3 "$S3/bucket/f" | cmp - f
	exits 22 s3 -T f "$S3/bucket/h"
	[[ $OUT == *ServiceUnavailable*"write quorum"*"$DIR/d1"*"$DIR/d2"* ]]
	[[ $OUT != *"$DIR/d3"* ]]
	exits 22 s3 -X POST "$S3/bucket/m?uploads"
	[[ $OUT == *ServiceUnavailable*quorum*"$DIR/d1"*"$DIR/d2"* ]]
	[[ $OUT != *"$DIR/d3"* ]]
	server_stop s3d
	mv d3 away3
	exits 8 ec-s3d -a "127.0.0.1:$PORT" "$DIR/d{1...4}"
	mv away1 d1
	mv away2 d2
	mv away3 d3
	s3d_start
	s3 "$S3/bucket/g" | cmp - f
}
