# ec-s3d on several nodes as one store, on ports of this machine.
load lib/common
load lib/s3d
load lib/nodes

setup()
{
	common_setup
	need jq
}

@test "three nodes: any order of start, one format, each serves all" {
	nodes_setup 3 4
	# The first is the one that formats.
	node_start 3
	node_start 2
	eventually grep -q "waiting for the drives to be formatted by 127.0.0.1:${NODE_PORTS[1]}" node3.log
	exits 22 curl -sf "$(node_url 3)/ec/health/ready"
	curl -sf "$(node_url 3)/ec/health/live"
	node_start 1
	for n in 1 2 3; do node_ready $n; done
	for n in 1 2 3; do eventually node_sees $n "12 online"; done
	[ "$(jq -r .deployment n?/d?/.ec/format.json | sort -u | wc -l)" -eq 1 ]
	[ "$(jq -r .generation n?/d?/.ec/format.json | sort | uniq -c | sed 's/^ *//')" = "12 1" ]

	random_file small 4096 1
	random_file large 9000000 2
	node_s3 1 -X PUT /box
	node_s3 1 -T small /box/small
	node_s3 2 -T large /box/large
	for n in 1 2 3; do
		node_s3 $n /box/small | cmp - small
		node_s3 $n /box/large | cmp - large
		node_s3 $n "/box?list-type=2" | grep '<KeyCount>2</KeyCount>'
	done
	# Nothing but the signed reach the drives.
	id=$(jq -r .drive n1/d1/.ec/format.json)
	exits 22 curl -sf -H 'Ec-Wire: 1' "$(node_url 1)/.ec/drive/$id/format"
	exits 22 curl -sf -X POST "$(node_url 1)/.ec/node/look"
	grep 'refused a request from 127.0.0.1' node1.log
}

@test "a node that is killed is done without, and back it has it all" {
	nodes_setup 3 4
	nodes_start
	for n in 1 2 3; do eventually node_sees $n "12 online"; done
	random_file large 3000000 2
	node_s3 1 -X PUT /box
	node_s3 1 -T large /box/before
	curl -sf "$(node_url 1)/ec/health/cluster?maintenance=true"
	server_kill node3
	for n in 1 2; do
		node_s3 $n /box/before | cmp - large
		node_s3 $n -T large /box/without$n
	done
	eventually curl -sf "$(node_url 1)/ec/health/ready"
	# With another gone there would be no quorum.
	[ "$(curl -s -o /dev/null -w '%{http_code} %header{x-minio-write-quorum}' \
	    "$(node_url 1)/minio/health/cluster?maintenance=true")" = "412 7" ]
	node_start 3
	node_ready 3
	for n in 1 2 3; do eventually node_sees $n "12 online"; done
	for n in 1 2 3; do
		node_s3 $n /box/without1 | cmp - large
	done
	# What it missed is healed: then another may go.
	export EC_VOLUMES=$NODES_LINE
	eventually ec-scan -q
	server_kill node1
	for n in 2 3; do
		node_s3 $n /box/without2 | cmp - large
	done
}

@test "format goes on when all were killed in the midst of it" {
	nodes_setup 2 2
	node_start 1
	eventually grep -q "waiting to format" node1.log
	server_kill node1
	[ -z "$(find . -name format.json)" ]
	nodes_start
	for n in 1 2; do server_stop node$n; done
	# As if only half had been done: at generation 0 it means nothing.
	rm -rf n1/d2/.ec n1/d2/shard n2
	mkdir -p n2/d1 n2/d2
	sed -i 's/"generation": *[0-9]*/"generation": 0/' n1/d1/.ec/format.json
	rm -rf n1/d1/.ec/index.db* n1/d1/.ec/owner
	nodes_start
	[ "$(jq -r .deployment n?/d?/.ec/format.json | sort -u | wc -l)" -eq 1 ]
	node_s3 1 -X PUT /box
	node_s3 2 -X PUT --data-binary a /box/a
}

@test "the tools reach all drives, and need no server of their own" {
	nodes_setup 3 2
	nodes_start
	export EC_VOLUMES=$NODES_LINE
	ec-put -b box
	random_file large 3000000 2
	ec-put box/large <large
	for n in 1 2 3; do node_s3 $n /box/large | cmp - large; done
	ec-get box/large | cmp - large
	ec-scan -q --deep
	for n in 1 2 3; do server_stop node$n; done
	ec-get box/large | cmp - large
	# Two at once: who cannot have the drives says "try again", and has
	# written nothing or all of it.
	# shellcheck disable=SC2016
	printf 'one\ntwo\n' | xargs -P 2 -I{} sh -c \
		'ec-put box/"$1" <large 2>"$1.said"; echo $? >"$1.status"' - {}
	for n in one two; do
		grep -x '[08]' $n.status
		[ "$(cat $n.status)" -eq 0 ] || grep -q 'too few drives' $n.said
		[ "$(cat $n.status)" -ne 0 ] || ec-get box/$n | cmp - large
	done
}

@test "what cannot be is refused in one line, and nothing is formatted" {
	s3d_setup
	free_port
	a=http://127.0.0.1:$PORT/$DIR
	refused()
	{
		local status=$1 want=$2

		shift 2
		exits "$status" timeout 60 ec-s3d "$@"
		[[ $ERR == *$want* ]]
		[ "$(wc -l <<<"$ERR")" -eq 1 ]
		[ -z "$(find . -name format.json)" ]
	}
	refused 2 "named twice" -x "$a/d1" "$a/d1"
	refused 2 "not a pattern" -x "$a/d{1..4}"
	refused 2 "17 drives cannot be divided" -x "$a/d{1...17}"
	refused 2 "either all drives are of nodes or none" -x "$a/d1" "$DIR/d2"
	refused 2 "is not http://node:port/path" -x "http://127.0.0.1:99999/d1"
	refused 2 "no node is this machine" "http://192.0.2.1:9000/d{1...4}"
	refused 2 "no drive is of this node" --node other "$a/d{1...4}"
	refused 2 "both are this machine" "$a/d{1...4},http://127.0.0.1:1$DIR/d5"
	refused 2 "every drive must be an empty directory" "$a/d{1...5},http://192.0.2.1:9000/d{1...5}"
	unset EC_ROOT_PASSWORD
	refused 2 "EC_ROOT_PASSWORD is not set" "$a/d{1...4}"
}

@test "--explain prints the sets and what they may lose" {
	ec-s3d --explain "http://n{1...3}:9000/mnt/d{1...4}" >out
	grep '^pool 0: 12 drives, 1 set of 8+4$' out
	grep '^  set 0: may lose 4 drives or 1 of 3 nodes; writes go on without' out
	[ "$(grep -c '^    n[123]:9000/mnt/d' out)" -eq 12 ]
	ec-s3d -x "/mnt/d{1...4}" | grep '1 set of 2+2$'
	ec-s3d -x "http://n{1...4}/d{1...3}" | grep '1 set of 8+4$'
	ec-s3d -x "http://n{1...5}/d{1...2},http://n{1...2}/d3" | grep '1 set of 8+4$'
	ec-s3d -x "http://n{1...16}/d" | grep 'may lose 4 drives or 4 of 16 nodes'
	ec-s3d -x "http://n{1...10}/d1,http://n{1...6}/d2" | grep '1 set of 12+4$'
	ec-s3d -x -m 6 "http://n{1...3}/d{1...4}" | grep 'may lose 6 drives or 1 of 3 nodes'
	ec-s3d -x "http://n{1...4}/d{1...8}" | grep '^pool 0: 32 drives, 2 sets of 12+4$'
}

@test "a second pool: added by restarts, old keys stay, new ones go there" {
	nodes_setup 2 2
	nodes_start
	node_s3 1 -X PUT /box
	for i in {1..8}; do
		echo "old $i" >o
		node_s3 1 -T o "/box/old$i"
	done
	# The same nodes, further drives.
	more=
	for n in 1 2; do
		mkdir n$n/e1 n$n/e2
		more+="${more:+,}$(node_url $n)$DIR/n$n/e{1...2}"
	done
	one=$NODES_LINE
	NODES_LINE="$one $more"
	for n in 1 2; do
		server_stop node$n
		node_start $n
		for i in 1 8; do
			eventually node_s3 $((3 - n)) "/box/old$i"
		done
	done
	for n in 1 2; do
		node_ready $n
		eventually node_sees $n "8 online"
	done
	[ "$(jq -r .deployment n?/??/.ec/format.json | sort -u | wc -l)" -eq 1 ]
	for i in {1..20}; do
		echo "new $i" >o
		node_s3 $((1 + i % 2)) -T o "/box/new$i"
	done
	for i in {1..8}; do
		echo "newer $i" >o
		node_s3 1 -T o "/box/old$i"
	done
	for n in 1 2; do
		[ "$(node_s3 $n "/box?list-type=2" | grep -o '<Key>' | wc -l)" -eq 28 ]
		[ "$(node_s3 $n /box/new7)" = "new 7" ]
		[ "$(node_s3 $n /box/old7)" = "newer 7" ]
	done
	# Keys lie where they should: the old ones in the first pool still.
	for n in 1 2; do server_stop node$n; done
	old=$(cat n1/d1/.ec/journal/* | grep -ac 'old[1-8]')
	[ "$old" -gt 0 ]
	[ "$(cat n1/e1/.ec/journal/* | grep -ac 'old[1-8]')" -eq 0 ]
	cat n?/e?/.ec/journal/* | grep -aq 'new[0-9]'
	cat n?/d?/.ec/journal/* | grep -aq 'new[0-9]'
}

@test "setup.sh cluster --once ends well and leaves nothing" {
	need curl aws
	export TMPDIR=$DIR/tmp
	mkdir "$TMPDIR"
	sh "$ROOT/contrib/setup.sh" cluster --once >out 2>&1 3>&- ||
	    { cat out; false; }
	[ "$(grep -c 'every SHA-256 is right' out)" -eq 3 ]
	[ -z "$(ls -A "$TMPDIR")" ]
}
