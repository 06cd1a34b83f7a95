#!/usr/bin/env bats
# The short form of make check-cluster: clients' histories while nodes are hurt.
load lib/common

# faults NODES DRIVES ROW ...: at a sample of its counts.
faults()
{
	local nodes=$1 drives=$2

	shift 2
	run /usr/bin/python3 "$ROOT/t/cluster/faults.py" -n "$nodes" \
	    -d "$drives" "$EC_BIN" "$@"
	echo "$output"
	echo "# ${output//$'\n'/$'\n# '}" >&3
	[ "$status" -eq 0 ]
}

@test "one node: killed, drives pulled" {
	faults 1 4 kill-all drives coordinator pairs
}

@test "three nodes: killed, cut off, behind, two writers of one key" {
	faults 3 4 kill-one partition down pairs
}
