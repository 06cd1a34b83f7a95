# ec-s3d with lock daemons of its own.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	export EC_SECRET=a-secret-for-tests
	LOCKD=
	for i in 1 2 3; do
		free_port
		ADDRESS[i]=127.0.0.1:$PORT
		LOCKD+=${LOCKD:+,}127.0.0.1:$PORT
		lockd $i
	done
}

# lockd I: start the I-th.
lockd()
{
	server_start "lockd$1" ec-lockd --address "${ADDRESS[$1]}" \
	    --state "$DIR/state$1" --lease 2
	server_ready "lockd$1" 60 ec-lockd --list --peers "${ADDRESS[$1]}"
}

status()
{
	curl -s -o /dev/null -w '%{http_code}' -m 60 \
	    --aws-sigv4 aws:amz:us-east-1:s3 \
	    -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
	    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@"
}

@test "without lock daemons nothing is written, and all is read" {
	export EC_LOCKD=$LOCKD
	s3d_start
	echo old >f
	s3 -X PUT "$S3/box"
	s3 -T f "$S3/box/f"
	[ "$(status -T f -H 'If-None-Match: *' "$S3/box/f")" = 412 ]
	server_kill lockd1
	[ "$(status -T f "$S3/box/g")" = 200 ]
	server_kill lockd2
	[ "$(status -T f "$S3/box/h")" = 503 ]
	[ "$(status -X DELETE "$S3/box/f")" = 503 ]
	s3 "$S3/box/f" | cmp - f
	s3 "$S3/box?list-type=2" | grep '<KeyCount>2</KeyCount>'
	grep "no locks, so no writes: .*${ADDRESS[1]}: cannot be reached" \
	    s3d.log
	lockd 1
	works()
	{
		[ "$(status -T f "$S3/box/h")" = 200 ]
	}
	server_ready s3d 60 works
	# Tools ask the same, or nobody.
	export EC_VOLUMES="$DIR/d{1...4}"
	ec-put box/tool <f
	unset EC_LOCKD
	exits 8 ec-put box/other <f
}
