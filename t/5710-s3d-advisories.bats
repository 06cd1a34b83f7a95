# How stores of this kind were broken before, each by the name it was made known
# under (t/auth/known.py has most); none of it works here.
load lib/common
load lib/s3d
load lib/nodes

setup()
{
	common_setup
	nodes_setup 3 2
}

users()
{
	ec-key user add main --access-key MAINKEY --secret main-secret
	ec-key user add alt --access-key ALTKEY --secret alt-secret
	echo '{"Version":"2012-10-17","Statement":{"Effect":"Allow",
	    "Action":"s3:GetObject","Resource":"arn:aws:s3:::box/child/*"}}' \
	    >child.json
	ec-key key add main --access-key CHILDKEY --secret child-secret \
	    --policy-file child.json
}

@test "what was found in other stores is refused by a node of a cluster" {
	local end=$((SECONDS + 60)) secret

	export EC_LOG=debug EC_VOLUMES=$NODES_LINE
	nodes_start
	users >/dev/null
	until [ "$(curl -s -o out -w '%{http_code}' \
	    --aws-sigv4 aws:amz:us-east-1:s3 -u CHILDKEY:child-secret \
	    "$(node_url 1)/box/child/x")" = 404 ]; do
		[ $SECONDS -lt $end ]
		sleep 0.1
	done
	"$ROOT/t/auth/known.py" "127.0.0.1:${NODE_PORTS[1]}" >checks || {
		grep -A 1 '^not ok' checks
		return 1
	}
	grep '^# ' checks >&3
	# GHSA-333v, GHSA-r54g, GHSA-8cm2: secrets in logs
	for secret in main-secret alt-secret child-secret "$EC_ROOT_PASSWORD"; do
		run ! grep -F "$secret" node?.log
	done
	run ! grep -Ei 'signature=?[0-9a-f]{64}|SecretAccessKey' node?.log
}

@test "CVE-2022-31028, CVE-2020-1700: connections that say nothing" {
	local kib=$((256 * 1024))

	# Sanitizers have memory of their own.
	[[ $EC_BIN = */plain ]] || kib=$((kib * 8))
	s3d_start
	"$ROOT/t/auth/silent.py" "$PORT" "$(server_pid s3d)" 10000 $kib >&3
}

@test "CVE-2022-35919, CVE-2021-21287: no connection goes out" {
	need strace
	export EC_VOLUMES="$DIR/d{1...4}"
	ec-put --format
	users >/dev/null
	s3d_start
	strace -f -qq -e trace=connect,accept4 -o calls -p "$(server_pid s3d)" \
	    3>&- &
	tracer=$!
	sleep 0.5
	"$ROOT/t/auth/known.py" "127.0.0.1:$PORT" >checks
	kill $tracer
	wait $tracer || true
	grep 'accept4(' calls >/dev/null
	run ! grep 'connect(' calls
}

@test "CVE-2026-72920: it listens where it was told to, and nowhere else" {
	s3d_start
	python3 - "$(server_pid s3d)" "$PORT" <<-'END'
	import os, re, sys
	pid, port = sys.argv[1:]
	mine = set()
	for fd in os.listdir(f"/proc/{pid}/fd"):
	    try:
	        mine.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
	    except OSError:
	        pass
	for net in "tcp", "tcp6", "udp", "udp6":
	    for line in open(f"/proc/net/{net}").readlines()[1:]:
	        word = line.split()
	        if f"socket:[{word[9]}]" not in mine:
	            continue
	        if word[3] == "0A" or net.startswith("udp"):
	            print(net, word[1])
	            assert word[1] == "0100007F:%04X" % int(port), word
	END
}

@test "CVE-2026-88018, CVE-2025-68926: it does not start without a secret" {
	for password in '' short; do
		EC_ROOT_PASSWORD=$password exits 2 ec-s3d -a 127.0.0.1:0 \
		    "$DIR/d{1...4}"
		[[ $ERR == *EC_ROOT_PASSWORD* ]]
	done
	unset EC_ROOT_PASSWORD
	exits 2 ec-s3d -a 127.0.0.1:0 "$DIR/d{1...4}"
	exits 2 ec-s3d --node 127.0.0.1:9 "$NODES_LINE"
	[ ! -e d1/.ec ]
}

@test "CVE-2026-100413: no key lies in the sources" {
	cd "$ROOT"
	run ! grep -rIlE --exclude-dir=build --exclude-dir=.git \
	    'BEGIN [A-Z ]*PRIVATE KEY[-]' .
}

@test "GHSA-j548: what cannot be read of a retained object does not free it" {
	local at file flips n round version

	s3d_start
	s3 -X PUT -H 'x-amz-bucket-object-lock-enabled: true' "$S3/box"
	random_file f 1000000
	version=$(s3 -T f -D - -H 'x-amz-object-lock-mode: COMPLIANCE' \
	    -H 'x-amz-object-lock-retain-until-date: 2099-01-01T00:00:00Z' \
	    "$S3/box/retained-key" | tr -d '\r' |
	    sed -n 's/^x-amz-version-id: //Ip')
	[ -n "$version" ]
	server_stop s3d
	mkdir whole
	cp -a d? whole
	n=$(find d? -type f -path '*/shard/*' | wc -l)
	[ "$n" -ge 4 ]
	for round in {1..8}; do
		flips=0
		rm -rf d?
		cp -a whole/d? .
		for file in d?/.ec/journal/*; do
			while IFS=: read -r at _; do
				flip "$file" $((at + round * 34 - 60))
				flips=$((flips + 1))
			done < <(grep -abo retained-key "$file")
		done
		[ $flips -ge 4 ]
		rm -f d?/.ec/index.db*
		s3d_start
		"${S3_CURL[@]}" -X DELETE -o answer \
		    -H 'x-amz-bypass-governance-retention: true' \
		    "$S3/box/retained-key?versionId=$version" || true
		server_stop s3d
		[ "$(find d? -type f -path '*/shard/*' | wc -l)" -eq "$n" ]
	done
	rm -rf d?
	cp -a whole/d? .
	s3d_start
	exits 22 s3 -X DELETE "$S3/box/retained-key?versionId=$version"
	s3 "$S3/box/retained-key" | cmp - f
}
