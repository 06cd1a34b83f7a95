#!/usr/bin/env bats
# ec-put and ec-get while ec-s3d has the drives: through it, the same result.

load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	export EC_VOLUMES="$DIR/d{1...4}"
	s3d_start
}

same()
{
	[ "$(sha256sum < "$1")" = "$(ec-get "bkt/$2" | sha256sum)" ]
}

@test "what one writes the other reads, small and large" {
	ec-put -b bkt
	random_file f 3000000
	echo small > s
	ec-put -t text/plain bkt/tool-large < f
	ec-put bkt/tool-small < s
	s3 "$S3/bkt/tool-large" | cmp - f
	s3 "$S3/bkt/tool-small" | cmp - s
	s3 -T f "$S3/bkt/s3-large"
	s3 -T s "$S3/bkt/s3-small"
	same f s3-large
	same s s3-small
	cmp <(ec-get -r 1000000-1999999 bkt/s3-large) \
	    <(tail -c +1000001 f | head -c 1000000)
	[ "$(ec-get -l bkt | cut -f3)" = "s3-large
s3-small
tool-large
tool-small" ]
	ec-get -s bkt/tool-large | grep -qx $'content-type\ttext/plain'
	ec-put -D bkt/s3-large
	[ "$(curl -s -o /dev/null -w '%{http_code}' \
	    --aws-sigv4 aws:amz:us-east-1:s3 \
	    -u "$EC_ROOT_USER:$EC_ROOT_PASSWORD" "$S3/bkt/s3-large")" = 404 ]
}

@test "the drives show the same when the server is gone" {
	ec-put -b bkt
	random_file f 2000000
	ec-put bkt/f < f
	server_stop s3d
	same f f
	[ -z "$(ec-scan --deep)" ]
}

@test "archives, pipes and many at once through the server" {
	ec-put -b bkt
	mkdir tree
	for i in 1 2 3 4 5; do random_file "tree/$i" $((i * 100000)) "$i"; done
	tar c tree | ec-put -x bkt/
	ec-get -a tar bkt/tree/ | tar x --one-top-level=out
	diff -r tree out/tree
	local pids=()
	for i in 1 2 3 4 5; do
		ec-get "bkt/tree/$i" | ec-put "bkt/copy/$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5; do same "tree/$i" "copy/$i"; done
}

@test "two drives torn out under the server: reads go on, writes say why not" {
	ec-put -b bkt
	random_file f 2000000
	ec-put bkt/f < f
	rm -rf d2 d4
	same f f
	sleep 1.5
	run ec-put bkt/g < f
	[ "$status" -eq 8 ]
	[[ $output == *"d2: drive is offline"* ]]
	mkdir d2 d4
	ec-heal
	ec-put bkt/g < f
	rm -rf d1 d3
	same f f
	same f g
}

@test "a producer that pauses is no error" {
	ec-put -b bkt
	random_file f 1000000
	(head -c 600000 f; sleep 4; tail -c 400000 f) | ec-put bkt/f
	same f f
}

@test "a server waits for a tool that has the drives, then takes them" {
	ec-put -b bkt
	server_stop s3d
	(echo one; sleep 1; echo two) | ec-put bkt/k &
	local pid=$!
	sleep 0.3
	s3d_start
	wait "$pid"
	[ "$(s3 "$S3/bkt/k")" = "one
two" ]
}

@test "the server killed in the middle of a put: an error, nothing stored" {
	ec-put -b bkt
	random_file f 2000000
	(head -c 1500000 f; sleep 1; tail -c 500000 f) | (
		sleep 0.1
		exits 8 ec-put bkt/f
	) &
	local pid=$!
	sleep 0.5
	server_kill s3d
	wait "$pid"
	run ec-get bkt/f
	[ "$status" -eq 5 ]
	[ -z "$(ec-get -l bkt)" ]
}
