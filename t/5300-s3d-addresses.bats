# ec-s3d: regions, buckets in host names, sockets handed over.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
}

@test "another region than the usual one" {
	export EC_REGION=eu-test-7
	s3d_start
	region=(curl -sS --aws-sigv4 aws:amz:eu-test-7:s3
	    -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY")
	"${region[@]}" --fail -X PUT "$S3/bucket"
	"${region[@]}" "$S3/bucket?location" | grep '>eu-test-7</Loc'
	exits 22 s3 "$S3/bucket?list-type=2"
	[[ $OUT == *AuthorizationHeaderMalformed*"<Region>eu-test-7<"* ]]
}

@test "a bucket in the host name" {
	export EC_DOMAIN=localhost
	s3d_start
	# curl knows by itself where *.localhost is.
	s3 -X PUT "http://bucket.localhost:$PORT/"
	echo hello >f
	s3 -T f "http://bucket.localhost:$PORT/a/b%20c"
	s3 "$S3/bucket/a/b%20c" | cmp - f
	s3 "http://Bucket.LOCALHOST:$PORT/a/b%20c" | cmp - f
	s3 "http://bucket.localhost:$PORT/?list-type=2&prefix=a" |
	    grep '<Key>a/b c</Key>'
	s3 "http://localhost:$PORT/bucket/a/b%20c" | cmp - f
}

@test "port 0 takes a free one and says which" {
	server_start s3d ec-s3d -a 127.0.0.1:0 "$DIR/d{1...4}"
	server_ready s3d 20 grep -q 'on http://127.0.0.1:[1-9]' s3d.log
	url=$(sed -n 's,.* on \(http://[0-9.:]*\).*,\1,p' s3d.log)
	curl -sf "$url/ec/health/live"
}

@test "IPv6" {
	free_port
	python3 -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))' ||
	    skip "no IPv6 here"
	server_start s3d ec-s3d -a "[::1]:$PORT" "$DIR/d{1...4}"
	server_ready s3d 20 curl -sf "http://[::1]:$PORT/ec/health/ready"
}

@test "a socket of the service manager's, and READY=1" {
	free_port
	cat >manager.py <<-'END'
	# As systemd does it: a socket as descriptor 3, and one for messages.
	import os, socket, sys
	s = socket.socket()
	s.bind(("127.0.0.1", int(sys.argv[1])))
	s.listen(5)
	os.dup2(s.fileno(), 3)
	os.set_inheritable(3, True)
	os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
	os.execvp(sys.argv[2], sys.argv[2:])
	END
	cat >notified.py <<-'END'
	import socket
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind("notify")
	s.settimeout(20)
	open("listening", "w").close()
	while b"READY=1" not in s.recv(1000):
	    pass
	open("is-ready", "w").close()
	END
	server_start manager python3 notified.py
	server_ready manager 10 test -e listening
	export NOTIFY_SOCKET=$DIR/notify
	server_start s3d python3 manager.py "$PORT" ec-s3d -a 127.0.0.1:1 \
	    "$DIR/d{1...4}"
	server_ready s3d 20 curl -sf "http://127.0.0.1:$PORT/ec/health/ready"
	server_ready s3d 5 test -e is-ready
	sed -i 's/os.dup2.*/os.closerange(3, 9)/; /set_inh/d' manager.py
	exits 2 python3 manager.py 0 ec-s3d "$DIR/d{1...4}"
}
