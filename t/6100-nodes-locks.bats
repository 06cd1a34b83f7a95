# Locks of several nodes: who writes on a condition, and who removes a bucket.
load lib/common
load lib/s3d
load lib/nodes

setup()
{
	common_setup
	need jq
}

# put_new N KEY: PUT to node N unless the key is there; prints the status.
put_new()
{
	curl -s -o /dev/null -w '%{http_code}\n' --retry 3 -X PUT -d "$1" \
	    --aws-sigv4 aws:amz:us-east-1:s3 \
	    -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
	    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
	    -H 'If-None-Match: *' "$(node_url "$1")/box/$2"
}

@test "of 100 who put a key anew at three nodes one wins" {
	nodes_setup 3 2
	nodes_start
	node_s3 1 -X PUT /box
	export -f put_new node_url
	export PORTS_OF="${NODE_PORTS[*]}"
	for key in a b; do
		seq 100 | xargs -P 12 -I{} bash -c \
		    "NODE_PORTS=(\$PORTS_OF); put_new \$((1 + {} % 3)) $key" \
		    >codes
		sort codes | uniq -c
		[ "$(grep -c 200 codes)" -eq 1 ]
		[ "$(grep -c 412 codes)" -eq 99 ]
	done
	# A tool stands in the same queue.
	export EC_VOLUMES=$NODES_LINE
	echo tool | ec-put box/c
	[ "$(put_new 2 c)" = 412 ]
	[ -e n1/d1/.ec/voting ]
	# The servers are gone: the tool has all drives, and no votes to ask for.
	for n in 1 2 3; do server_stop node$n; done
	[ ! -e n1/d1/.ec/voting ]
	echo tool | ec-put box/d
	[ "$(ec-get box/d)" = tool ]
}

@test "of 100 who write on one condition at three nodes one wins" {
	need_boto3
	nodes_setup 3 2
	nodes_start
	/usr/bin/python3 "$ROOT/t/lib/s3_races.py" "$(node_url 1)" \
	    "$(node_url 2)" "$(node_url 3)"
}

@test "a bucket is made, changed and removed as at one node" {
	nodes_setup 3 2
	nodes_start
	for i in 1 2 3; do
		node_s3 $i -X PUT /box
		for n in 1 2 3; do
			node_s3 $n -X PUT -d "$n" "/box/$n"
		done
		exits 22 node_s3 $i -X DELETE /box
		[[ $OUT == *BucketNotEmpty* ]]
		for n in 1 2 3; do
			node_s3 $n -X DELETE "/box/$n"
		done
		node_s3 $(((i + 1) % 3 + 1)) -X DELETE /box
		for n in 1 2 3; do
			exits 22 node_s3 $n -X PUT -d x "/box/$n"
			[[ $OUT == *NoSuchBucket* ]]
		done
	done
}

@test "a node that is killed holds up nobody" {
	nodes_setup 3 2
	nodes_start
	node_s3 1 -X PUT /box
	server_kill node3
	for i in 1 2 3 4; do
		[ "$(put_new $((i % 2 + 1)) "k$i")" = 200 ]
	done
	node_start 3
	node_ready 3
	grep 'killed before' node3.log
	eventually node_sees 3 "6 online"
	[ "$(put_new 3 k1)" = 412 ]
	[ "$(put_new 3 k5)" = 200 ]
}
