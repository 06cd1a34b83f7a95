# ec-lockd: commands under locks, of one daemon and of three.
load lib/common.bash
load lib/lockd.bash

@test "a command under a lock, and its status" {
	lockds 1
	exits 0 ec-lockd --run a -- echo hello
	[ "$OUT" = hello ]
	exits 5 ec-lockd --run a -- sh -c 'exit 5'
	exits 143 ec-lockd --run a -- sh -c 'kill -TERM $$'
	exits 127 ec-lockd --run a -- "$DIR/not-there"
	echo x >not-a-program
	chmod +x not-a-program
	exits 126 ec-lockd --run a -- "$DIR"
	echo in | exits 0 ec-lockd --run a -- cat
}

@test "who comes too late is told by whom, with status 8" {
	lockds 3
	server_start holder ec-lockd --run a -- sleep 30
	server_ready holder 10 sh -c 'ec-lockd --list | grep -q held'
	exits 8 ec-lockd --run a --wait 0 -- touch ran
	[[ $ERR == *"somebody else holds it"* ]]
	exits 8 ec-lockd --run a --wait 1 --shared -- touch ran
	[ ! -e ran ]
	exits 0 ec-lockd --run b --wait 0 -- true
	exits 0 ec-lockd --list
	[[ $OUT == a$'\t'write$'\t'held$'\t'*" sleep 30" ]]
	kill -TERM "$(server_pid holder)"
	exits 0 ec-lockd --run a --wait 5 -- true
	server_forget holder
	wait "$(server_pid holder)" || [ $? -eq 143 ]
}

@test "readers share, and a waiting writer is not overtaken" {
	lockds 3
	server_start reader ec-lockd --shared --run a -- sleep 1
	server_ready reader 10 sh -c 'ec-lockd --list | grep -q held'
	exits 0 ec-lockd --shared --run a --wait 0 -- true
	server_start writer ec-lockd --run a -- sh -c 'echo writer >>order'
	server_ready writer 10 sh -c 'ec-lockd --list | grep -q waiting'
	exits 8 ec-lockd --shared --run a --wait 0 -- true
	exits 0 ec-lockd --shared --run a -- sh -c 'echo reader >>order'
	[ "$(tr '\n' ' ' <order)" = "writer reader " ]
	server_forget writer
	server_forget reader
	wait "$(server_pid writer)" "$(server_pid reader)"
}

@test "nothing is lost among many who count, and tokens rise" {
	local k j pids=()

	lockds 3
	critical
	for k in 1 2 3 4; do
		(for j in 1 2 3 4 5 6; do
			ec-lockd --run ctr -- sh critical ||
			    echo "$j: $?" >>failed
		done) 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ ! -e violations ]
	[ ! -e failed ]
	[ "$(cat counter)" -eq 24 ]
	sort -nu tokens | cmp - tokens
	exits 0 ec-lockd --list
	[ -z "$OUT" ]
}

@test "several names in any order do not wait in a circle" {
	local k j pids=()

	lockds 3
	critical
	for k in 1 2 3 4; do
		(for j in 1 2 3; do
			if [ $((k % 2)) -eq 0 ]; then
				ec-lockd --run x --run y -- sh critical
			else
				ec-lockd --run y --run x -- sh critical
			fi || echo "$j: $?" >>failed
		done) 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ ! -e violations ]
	[ ! -e failed ]
	[ "$(cat counter)" -eq 12 ]
	[ "$(awk '{ print NF }' tokens | sort -u)" = 2 ]
}

@test "wrong use" {
	exits 2 ec-lockd --run a
	exits 2 ec-lockd true
	exits 2 ec-lockd --run a --list -- true
	exits 2 ec-lockd --run a --run a -- true
	exits 2 ec-lockd --run a --wait x -- true
	exits 2 ec-lockd --json
	exits 2 ec-lockd --lease 0
	exits 2 ec-lockd --peers a:1
	exits 8 ec-lockd --run a --wait 0 -- true
	[[ $ERR == *"cannot be reached"* ]]
}

@test "without a secret only a socket of one's own" {
	unset EC_SECRET
	exits 2 ec-lockd --address 127.0.0.1:1
	[[ $ERR == *EC_SECRET_FILE* ]]
	exits 2 ec-lockd --run a --peers 127.0.0.1:1 -- true
	server_start lockd ec-lockd --state state
	server_ready lockd 10 ec-lockd --list
	[ "$(stat -c %a ec-lockd.sock)" = 600 ]
	exits 0 ec-lockd --run a -- true
	EC_SECRET=short exits 2 ec-lockd
}

@test "another secret is refused and logged" {
	lockds 3
	EC_SECRET=another-secret-here exits 7 ec-lockd --run a --wait 5 -- \
	    touch ran
	[ ! -e ran ]
	[[ $ERR == *"refuses our secret"* ]]
	grep -q 'signed with another secret' lockd?.log
	# as often as it is tried, a line or two say so
	EC_SECRET=another-secret-here exits 7 ec-lockd --run a --wait 1 -- true
	[ "$(cat lockd?.log | grep -c refused)" -le 6 ]
}

@test "the list as JSON" {
	need jq
	lockds 3
	server_start holder ec-lockd --run 'a "b"' --run $'c\e[2J' -- sleep 30
	server_ready holder 10 sh -c 'ec-lockd --list | grep "^c.*held"'
	exits 0 ec-lockd --list --json
	[ "$(jq -rs '.[0].name' <<<"$OUT")" = 'a "b"' ]
	[ "$(jq -rs '.[0].votes' <<<"$OUT")" = 3 ]
	[ "$(jq -rs '.[-1].type' <<<"$OUT")" = summary ]
	exits 0 ec-lockd --list
	[[ $OUT == *$'\nc?[2J\twrite'* ]]	# no terminal is told to do that
	server_kill lockd2
	exits 3 ec-lockd --list
	[[ $ERR == *"${ADDRESS[2]}: cannot be reached"* ]]
	kill -9 "$(server_pid holder)"
	server_forget holder
}
