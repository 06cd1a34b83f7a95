# ec-s3d: TLS, with the clients that people use.
load lib/common
load lib/s3d
load lib/tls

setup()
{
	common_setup
	s3d_setup
}

# tls_start NAME: a server with the certificate NAME, and clients that trust
# its authority.
tls_start()
{
	export CURL_CA_BUNDLE=$DIR/$1.ca AWS_CA_BUNDLE=$DIR/$1.ca
	SCHEME=https s3d_start --tls-cert "$1.crt" --tls-key "$1.key"
}

serial()
{
	openssl s_client -connect "127.0.0.1:$PORT" </dev/null 2>/dev/null |
	    openssl x509 -noout -serial
}

@test "curl over TLS: all versions that are sane, and no others" {
	certify a
	tls_start a
	grep "on https://127.0.0.1:$PORT" s3d.log
	random_file f 300000
	s3 -X PUT "$S3/bucket"
	s3 -T f "$S3/bucket/f"
	s3 "$S3/bucket/f" | cmp - f
	s3 --tls-max 1.2 -r 1000-1999 "$S3/bucket/f" |
	    cmp - <(tail -c +1001 f | head -c 1000)
	# shellcheck disable=SC2046
	exits 35 curl -sS --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 \
	    "$S3/ec/health/live"
	exits 35 curl -sS --tls-max 1.2 --ciphers AES128-SHA "$S3/"
	exits 60 env -u CURL_CA_BUNDLE curl -sS "$S3/"
	# HTTP without TLS is told so; the server goes on.
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/")" \
	    = 400 ]
	s3 "$S3/bucket/f" | cmp - f
}

@test "sessions are resumed" {
	certify a
	tls_start a
	for v in 1_2 1_3; do
		echo Q | openssl s_client -connect "127.0.0.1:$PORT" -tls$v \
		    -sess_out session -ign_eof >/dev/null 2>&1 <<-'END'
		GET /ec/health/live HTTP/1.1
		Host: h
		Connection: close

		END
		openssl s_client -connect "127.0.0.1:$PORT" -tls$v \
		    -sess_in session </dev/null 2>/dev/null | grep '^Reused'
	done
}

@test "aws over TLS" {
	need aws
	certify a
	tls_start a
	random_file f 20000000
	aws s3 mb s3://bucket
	aws s3 cp --no-progress f s3://bucket/f
	aws s3 cp --no-progress s3://bucket/f - | cmp - f
}

@test "s3cmd over TLS" {
	need s3cmd
	certify a
	tls_start a
	s3cmd_config 'use_https = True' "ca_certs_file = $DIR/a.ca"
	random_file f 300000
	s3cmd -c s3cfg mb s3://bucket
	s3cmd -c s3cfg put f s3://bucket/f
	s3cmd -c s3cfg get --force s3://bucket/f g
	cmp f g
}

@test "a new certificate without a restart: by its file, and by SIGHUP" {
	certify a
	certify b
	tls_start a
	first=$(serial)
	cp b.key a.key.new
	cp b.crt a.crt.new
	mv a.key.new a.key
	mv a.crt.new a.crt
	changed()
	{
		[ "$(serial)" != "$first" ]
	}
	server_ready s3d 60 changed
	exits 60 curl -sS "$S3/ec/health/live"
	curl -sf --cacert b.ca "$S3/ec/health/live"
	second=$(serial)
	echo rubbish >a.crt
	kill -HUP "$(server_pid s3d)"
	server_ready s3d 60 grep 'certificate in use stays' s3d.log
	[ "$(serial)" = "$second" ]
}

@test "what is wrong with certificates is said at the start" {
	certify a
	certify b
	free_port
	start=(ec-s3d -a "127.0.0.1:$PORT" "$DIR/d{1...4}")
	exits 2 "${start[@]}" --tls-cert a.crt
	[[ $ERR == *"both --tls-cert and --tls-key"* ]]
	exits 2 "${start[@]}" --tls-cert a.crt --tls-key b.key
	[[ $ERR == *b.key:* ]]
	exits 5 "${start[@]}" --tls-cert a.crt --tls-key none.key
	[[ $ERR == *"none.key: No such file"* ]]
}

@test "without TLS only this machine is served, unless told otherwise" {
	free_port
	for address in ":$PORT" "0.0.0.0:$PORT" "[::]:$PORT"; do
		exits 2 ec-s3d -a "$address" "$DIR/d{1...4}"
		[[ $ERR == *"other machines can reach this address"* ]]
		[ "$(wc -l <<<"$ERR")" -eq 1 ]
	done
	[ -z "$(find . -name format.json)" ]
	server_start s3d ec-s3d -a ":$PORT" --plaintext "$DIR/d{1...4}"
	server_ready s3d 60 curl -sf "http://localhost:$PORT/ec/health/ready"
}
