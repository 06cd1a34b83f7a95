#!/usr/bin/env bats
# Lock daemons that speak TLS, and what must not go without.
load lib/common
load lib/s3d
load lib/tls
load lib/lockd

# tls_lockds: three daemons with the certificate a; EC_LOCKD names them.
tls_lockds()
{
	local i

	certify a
	export EC_TLS_CA=$DIR/a.ca
	EC_LOCKD=
	for i in 1 2 3; do
		free_port
		EC_LOCKD+=${EC_LOCKD:+,}https://127.0.0.1:$PORT
		server_start "lockd$i" env EC_LOG=info ec-lockd \
		    --address "127.0.0.1:$PORT" --state "$DIR/state$i" \
		    --tls-cert a.crt --tls-key a.key
		server_ready "lockd$i" 60 ec-lockd --list \
		    --peers "https://127.0.0.1:$PORT"
	done
	export EC_LOCKD
}

@test "locks over TLS: one at a time, listed, renewed with a new certificate" {
	tls_lockds
	critical
	# shellcheck disable=SC2016
	seq 12 | xargs -P 4 -I{} ec-lockd --run name -- sh ./critical
	[ "$(cat counter)" -eq 12 ]
	[ ! -e violations ]
	env -u EC_TLS_CA ec-lockd --run name --tls-ca a.ca -- \
	    ec-lockd --list --tls-ca a.ca >list
	grep '^name	write	held' list
	# Another certificate of the same authority.
	openssl x509 -req -in a.csr -CA a.ca -CAkey a.cakey -CAcreateserial \
	    -days 2 -extfile a.ext -out a.new 2>/dev/null
	mv a.new a.crt
	kill -HUP "$(server_pid lockd1)"
	server_ready lockd1 60 grep 'certificate read' lockd1.log
	ec-lockd --run name -- true
}

@test "who does not trust them, or speaks plainly, gets no lock" {
	tls_lockds
	certify b
	exits 7 ec-lockd --run name --wait 10 --tls-ca b.ca -- true
	[[ $ERR == *"of nobody we trust"* ]]
	exits 7 env -u EC_TLS_CA ec-lockd --run name --wait 10 -- true
	EC_LOCKD=${EC_LOCKD//https:\/\//} exits 7 ec-lockd --run name \
	    --wait 10 -- true
	exits 2 ec-lockd --run name --peers \
	    "${EC_LOCKD%%,*},127.0.0.1:1" -- true
	[[ $ERR == *"with https:// or none"* ]]
}

@test "not beyond this machine without TLS, unless told so" {
	free_port
	exits 2 timeout 60 ec-lockd --address ":$PORT"
	[[ $ERR == *"other machines can reach this address"* ]]
	exits 2 timeout 60 ec-lockd --address "127.0.0.1:$PORT" --tls-cert a.crt
	[[ $ERR == *"both --tls-cert and --tls-key"* ]]
	server_start lockd ec-lockd --address ":$PORT" --plaintext
	server_ready lockd 60 ec-lockd --list --peers "127.0.0.1:$PORT"
	exits 2 ec-lockd --list --plaintext
	exits 2 ec-lockd --tls-ca a.ca
}

@test "a server takes its locks from them" {
	tls_lockds
	s3d_setup
	s3d_start
	s3 -X PUT "$S3/box"
	s3 -X PUT -d x -H 'If-None-Match: *' "$S3/box/a"
	exits 22 s3 -X PUT -d y -H 'If-None-Match: *' "$S3/box/a"
	[ "$(s3 "$S3/box/a")" = x ]
	for i in 2 3; do server_stop "lockd$i"; done
	exits 22 s3 -X PUT -d y "$S3/box/b"
	[ "$(s3 "$S3/box/a")" = x ]
}
