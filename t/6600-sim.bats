#!/usr/bin/env bats
# The simulator (t/sim): the same seed does the same twice, and no seed of a
# few goes wrong.  EC_SEEDS=10000 and EC_SEED=1000 make it a long run of others.
load lib/common

# Seeds take some 20 times as long with the address sanitizer.
few()
{
	case $EC_BIN in
	*/plain) echo "$1" ;;
	*)	echo $(($1 / 10)) ;;
	esac
}

@test "a seed is the same twice" {
	run "$EC_BIN/t/sim/sim" -t 1 "$(few 40)"
	echo "$output" | grep -v '^{' || true
	[ "$status" -eq 0 ]
}

@test "seeds of nodes, drives and messages that fail: no client sees it" {
	local first=${EC_SEED:-1} count=${EC_SEEDS:-}

	run /usr/bin/python3 "$ROOT/t/sim/sim.py" "$EC_BIN/t/sim/sim" \
	    "$first" "${count:-$(few 200)}"
	echo "$output"
	[ "$status" -eq 0 ]
	echo "# from seed $first: $output" >&3
}

# Of two that check a condition at one moment both write.
@test "locks that do not hold are seen, and the case is made smaller" {
	run /usr/bin/python3 "$ROOT/t/sim/sim.py" -u "$EC_BIN/t/sim/sim" 1 20
	echo "$output"
	[ "$status" -eq 1 ]
	grep -q '^repeat: ' <<<"$output"
}
