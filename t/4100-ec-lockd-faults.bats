# ec-lockd: daemons and holders that die, stop and come back.
load lib/common.bash
load lib/lockd.bash

# What a command says of its fencing token, for sh -c.
TOKEN="echo \$EC_LOCK_TOKEN"

# many CLIENTS UNTIL: so many loops that take the lock "c" until that second.
many()
{
	local k pids=()

	for ((k = 0; k < $1; k++)); do
		while [ "$SECONDS" -lt "$2" ]; do
			if ec-lockd --run c --wait 20 -- sh critical 0.01; then
				echo >>"done.$k"
			fi
		done 3>&- >>many.log 2>&1 &
		pids+=($!)
	done
	MANY=("${pids[@]}")
}

# Nobody was inside with somebody else, nothing that was counted is lost.
check_many()
{
	local n

	wait "${MANY[@]}"
	[ ! -e violations ]
	n=$(cat done.* | wc -l)
	echo "# $n times inside, of $(cat counter)" >&3
	[ "$n" -gt "$1" ]
	[ "$(cat counter)" -ge "$n" ]
	sort -nu tokens | cmp - tokens
}

@test "daemons killed and started again: one holder at a time" {
	local round i

	lockds 3 --lease 2
	critical
	many 4 $((SECONDS + 14))
	for round in 1 2 3 4; do
		i=$((1 + round % 3))
		sleep 0.7
		server_kill "lockd$i"
		sleep 0.3
		lockd "$i" --lease 2
		sleep 2
	done
	check_many 20
}

@test "daemons stopped and continued: one holder at a time" {
	local round pid

	lockds 3 --lease 2
	critical
	many 4 $((SECONDS + 14))
	for round in 1 2 3 4; do
		pid=$(server_pid "lockd$((1 + round % 3))")
		sleep 0.3
		kill -STOP "$pid"
		sleep 2.5
		kill -CONT "$pid"
	done
	check_many 20
}

@test "all daemons killed at once, with a holder: nobody else gets in" {
	local i

	lockds 3 --lease 6
	critical
	server_start holder ec-lockd --run c -- sh critical 12
	server_ready holder 10 test -d inside
	sleep 2.5		# it has renewed
	for i in 1 2 3; do
		server_kill "lockd$i"
	done
	for i in 1 2 3; do
		lockd "$i" --lease 6
	done
	exits 8 ec-lockd --run c --wait 0 -- sh critical
	exits 0 ec-lockd --run c --wait 30 -- sh critical
	[ ! -e violations ]
	[ "$(cat counter)" -eq 2 ]
	server_forget holder
	wait "$(server_pid holder)"
}

@test "a holder that dies: its lease runs out, its command is ended" {
	local pid start

	lockds 3 --lease 2
	server_start holder ec-lockd --run a -- \
	    sh -c "echo \$\$ >pid; $TOKEN >token; exec sleep 60"
	server_ready holder 10 test -s token
	start=$SECONDS
	server_kill holder
	exits 0 ec-lockd --run a --wait 20 -- sh -c "$TOKEN >token2"
	[ $((SECONDS - start)) -le 8 ]
	[ "$(cat token2)" -gt "$(cat token)" ]
	pid=$(cat pid)
	run ! kill -0 "$pid"
}

@test "a holder that is stopped: others go on, and it learns of its loss" {
	local status=0

	lockds 3 --lease 2
	server_start holder ec-lockd --run a -- \
	    sh -c "$TOKEN >token; sleep 60; touch finished"
	server_ready holder 10 test -s token
	kill -STOP "$(server_pid holder)"
	exits 0 ec-lockd --run a --wait 20 -- sh -c "$TOKEN >token2"
	[ "$(cat token2)" -gt "$(cat token)" ]
	kill -CONT "$(server_pid holder)"
	server_forget holder
	wait "$(server_pid holder)" || status=$?
	[ $status -eq 8 ]
	[ ! -e finished ]
}

@test "two of three daemons are silent: the command is ended in a lease" {
	local status=0 start

	lockds 3 --lease 3
	server_start holder ec-lockd --run a -- \
	    sh -c 'trap "echo ended >ended; exit 0" TERM; touch in; sleep 60 &
	    wait'
	server_ready holder 10 test -e in
	kill -STOP "$(server_pid lockd1)" "$(server_pid lockd3)"
	start=$SECONDS
	server_forget holder
	wait "$(server_pid holder)" || status=$?
	[ $((SECONDS - start)) -le 8 ]
	[ $status -eq 8 ]
	[ "$(cat ended)" = ended ]
	grep -q 'too few lock daemons renew' holder.log
	exits 8 ec-lockd --run b --wait 1 -- true
	[[ $ERR == *"too few lock daemons answer"* ]]
	[[ $ERR == *"${ADDRESS[1]}: "* ]]
	kill -CONT "$(server_pid lockd1)" "$(server_pid lockd3)"
	exits 0 ec-lockd --run b --wait 20 -- true
}

@test "one of three daemons is silent: nobody waits long" {
	local start

	lockds 3
	kill -STOP "$(server_pid lockd2)"
	start=$(date +%s%N)
	exits 0 ec-lockd --run a -- true
	[ $((($(date +%s%N) - start) / 1000000)) -lt 2500 ]
	kill -CONT "$(server_pid lockd2)"
}

@test "a list by too few daemons says so, and calls nothing held" {
	lockds 3
	server_start holder ec-lockd --run a -- sleep 60
	server_ready holder 10 sh -c 'ec-lockd --list | grep -q held'
	server_kill lockd1
	exits 3 ec-lockd --list
	[[ $OUT == *held* ]]
	server_kill lockd2
	exits 8 ec-lockd --list
	[[ $OUT != *held* ]]
	server_kill holder
}

@test "who waits and goes away does not stand in line" {
	lockds 3
	server_start holder ec-lockd --run a -- sleep 60
	server_ready holder 10 sh -c 'ec-lockd --list | grep -q held'
	server_start waiter ec-lockd --run a -- true
	server_ready waiter 10 sh -c 'ec-lockd --list | grep -q waiting'
	server_kill waiter
	server_ready holder 5 sh -c '! ec-lockd --list | grep -q waiting'
	kill -9 "$(server_pid holder)"
	server_forget holder
}

@test "after a start nothing is granted for a lease, unless none was held" {
	free_port
	ADDRESS[1]=127.0.0.1:$PORT
	export EC_LOCKD=${ADDRESS[1]}
	lockd 1 --lease 5			# a new state file: at once
	exits 0 ec-lockd --run a --wait 0 -- true
	server_stop lockd1
	grep -q '^idle 1$' state1
	lockd 1 --lease 5			# all was given back: at once
	exits 0 ec-lockd --run a --wait 0 -- true
	server_kill lockd1
	lockd 1 --lease 5			# nobody knows
	exits 8 ec-lockd --run a --wait 0 -- true
	[[ $ERR == *"has just started"* ]]
	exits 0 ec-lockd --run a --wait 20 -- true
	server_stop lockd1
	server_start lockd1 ec-lockd --address "${ADDRESS[1]}" --lease 3
	server_ready lockd1 10 ec-lockd --list
	grep -q 'nothing is granted for' lockd1.log
	exits 8 ec-lockd --run a --wait 0 -- true
	exits 0 ec-lockd --run a --wait 20 -- true
}

@test "tokens rise over restarts" {
	local i round last=0

	lockds 3
	for round in 1 2 3; do
		exits 0 ec-lockd --run a -- sh -c "$TOKEN"
		[ "$OUT" -gt "$last" ]
		last=$OUT
		[ "$round" -lt 3 ] || break
		for i in 1 2 3; do
			server_stop "lockd$i"
		done
		for i in 1 2 3; do
			lockd "$i"
		done
	done
}

@test "state files: in use, damaged, not writable" {
	lockds 1
	exits 6 ec-lockd --address unix:sock --state state1
	[[ $ERR == *"another ec-lockd is running"* ]]
	echo nonsense >bad
	exits 9 ec-lockd --address unix:sock --state bad
	[[ $ERR == *"not a state file"* ]]
	exits 5 ec-lockd --address unix:sock --state no/such/folder
	exits 9 ec-lockd --address "${ADDRESS[1]}" --state other
}

@test "requests that are not signed, or garbage, are refused" {
	need curl
	lockds 1
	[ "$(curl -s -o answer -w '%{http_code}' -d x \
	    "http://${ADDRESS[1]}/.ec/lock/list")" = 403 ]
	[ "$(cat answer)" = EC_EDENIED ]
	[ "$(curl -s -o answer -w '%{http_code}' -H 'EC-Auth: 1 2 3' -d x \
	    "http://${ADDRESS[1]}/.ec/lock/ask")" = 403 ]
	[ "$(curl -s -o answer -w '%{http_code}' \
	    "http://${ADDRESS[1]}/")" = 404 ]
	unset EC_SECRET
	server_start own ec-lockd --address unix:"$DIR/own"
	server_ready own 10 ec-lockd --list --peers unix:"$DIR/own"
	[ "$(curl -s --unix-socket own -o answer -w '%{http_code}' -d xyz \
	    http://x/.ec/lock/ask)" = 400 ]
	[ "$(head -c 600000 /dev/zero | curl -s --unix-socket own -o answer \
	    -w '%{http_code}' --data-binary @- http://x/.ec/lock/ask)" = 400 ]
	[ "$(curl -s --unix-socket own -o answer -w '%{http_code}' -d '' \
	    http://x/.ec/lock/none)" = 404 ]
	exits 0 ec-lockd --list --peers unix:"$DIR/own"
}
