# Nodes that are silent, changed or strangers.
load lib/common
load lib/s3d
load lib/nodes

setup()
{
	common_setup
	need jq
}

@test "a node that is stopped is set aside, and taken in when it goes on" {
	nodes_setup 3 4
	nodes_start
	for n in 1 2 3; do eventually node_sees $n "12 online"; done
	random_file large 3000000 2
	node_s3 1 -X PUT /box
	node_s3 1 -T large /box/a
	kill -STOP "$(server_pid node3)"
	# No request waits for longer than it takes to set it aside.
	for n in 1 2; do
		timeout 30 curl -sf "$(node_url $n)/ec/health/live"
		node_s3 $n -m 30 /box/a | cmp - large
		node_s3 $n -m 30 -T large "/box/without$n"
		node_s3 $n -m 30 "/box/without$n" | cmp - large
	done
	eventually grep -q '12 drives\|set aside until a probe succeeds' node1.log
	# Nor does one wait for it at its end.
	node_s3 2 -T large /box/b
	server_stop node2
	kill -CONT "$(server_pid node3)"
	node_start 2
	for n in 1 2 3; do eventually node_sees $n "12 online"; done
	node_s3 3 /box/without1 | cmp - large
	export EC_VOLUMES=$NODES_LINE
	eventually ec-scan -q
}

@test "a drive that is replaced is formatted and refilled by its node" {
	nodes_setup 3 2
	nodes_start
	for n in 1 2 3; do eventually node_sees $n "6 online"; done
	random_file large 3000000 2
	node_s3 1 -X PUT /box
	node_s3 1 -T large /box/a
	old=$(jq -r .drive n2/d1/.ec/format.json)
	rm -rf n2/d1 || rm -rf n2/d1
	mkdir n2/d1
	new_drive()
	{
		[ "$(jq -r .drive n2/d1/.ec/format.json)" != "$old" ]
	}
	eventually new_drive
	for n in 1 2 3; do eventually node_sees $n "6 online"; done
	export EC_VOLUMES=$NODES_LINE
	eventually ec-scan -q --deep
	for n in 1 3; do
		node_s3 $n /box/a | cmp - large
	done
}

@test "nodes change their addresses, drives their places" {
	nodes_setup 2 2
	nodes_start
	echo hello >o
	node_s3 1 -X PUT /box
	node_s3 1 -T o /box/o
	for n in 1 2; do server_stop node$n; done
	mv n1/d1 x
	mv n2/d2 n1/d1
	mv x n2/d2
	free_port
	NODES_LINE=${NODES_LINE//:${NODE_PORTS[2]}/:$PORT}
	NODE_PORTS[2]=$PORT
	nodes_start
	for n in 1 2; do
		eventually node_sees $n "4 online"
		node_s3 $n /box/o | cmp - o
	done
}

@test "what is another store's, or not all of this one's, is refused" {
	nodes_setup 2 2
	nodes_start
	for n in 1 2; do server_stop node$n; done
	mkdir e1 e2 e3 e4
	EC_VOLUMES="$DIR/e{1...4}" ec-put -F -b other
	at=http://127.0.0.1:${NODE_PORTS[1]}$DIR
	exits 9 timeout 60 ec-s3d "$at/n1/d{1...2},$at/e{1...2}"
	[[ $ERR == *"the drives belong to two deployments, 2 each" ]]
	exits 9 timeout 60 ec-s3d "$at/n1/d{1...2}"
	[[ $ERR == *"is of a pool of 1 sets of 4 drives, but 2 drives are named" ]]
	[ "$(wc -l <<<"$ERR")" -eq 1 ]
}

@test "a node with another secret gets nothing" {
	nodes_setup 2 2
	nodes_start
	server_stop node2
	EC_SECRET=a-secret-of-its-own-17 node_start 2
	eventually grep -q 'it is signed with another secret' node1.log
	eventually grep -q 'does not know us, or we do not know it' node2.log
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$(node_url 2)/ec/health/ready")" = 503 ]
}

@test "nodes killed while they format: one store comes of it, every time" {
	nodes_setup 3 2
	for round in {0..2}; do
		rm -rf n?
		mkdir -p n{1..3}/d{1..2}
		for n in 3 2 1; do node_start $n; done
		sleep "0.$((RANDOM % 50 + 10))"
		# The one that formats, another, or all.
		case $((round % 3)) in
		0)	killed=1 ;;
		1)	killed=2 ;;
		2)	killed="1 2 3" ;;
		esac
		for n in $killed; do server_kill "node$n"; done
		for n in $killed; do node_start "$n"; done
		for n in 1 2 3; do
			node_ready $n
			eventually node_sees $n "6 online"
		done
		[ "$(jq -r .deployment n?/d?/.ec/format.json | sort -u | wc -l)" -eq 1 ]
		[ "$(jq -r .generation n?/d?/.ec/format.json | sort -u)" = 1 ]
		for n in 1 2 3; do server_stop "node$n"; done
	done
}
