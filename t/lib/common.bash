# common: what every bats file loads.  It finds the tools, gives each test an
# empty folder ($DIR, the working directory) and sees to it that no server
# outlives its test.  A file with a setup or teardown of its own calls
# common_setup and common_teardown in them.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
EC_BIN=${EC_BIN:-$ROOT/build/plain}
case $EC_BIN in
/*)	;;
*)	EC_BIN=$ROOT/$EC_BIN ;;
esac
PATH=$EC_BIN:$PATH
export ROOT EC_BIN PATH
# Nothing of the user's own settings reaches a test.
unset EC_VOLUMES EC_LOG EC_ROOT_USER EC_ROOT_PASSWORD
unset "${!AWS_@}" http_proxy https_proxy all_proxy
export no_proxy='*' LC_ALL=C.UTF-8 TZ=UTC
# A sanitizer's finding is a failure of its own kind, never a tool's status.
export ASAN_OPTIONS=exitcode=99:allocator_may_return_null=1:${ASAN_OPTIONS-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS-}
export TSAN_OPTIONS=exitcode=99:${TSAN_OPTIONS-}

setup()
{
	common_setup
}

teardown()
{
	common_teardown
}

common_setup()
{
	local base=${EC_TEST_TMP-}

	if [ -z "$base" ]; then
		base=${TMPDIR:-/tmp}
		[ "$(stat -f -c %T /dev/shm 2>/dev/null)" != tmpfs ] ||
		    base=/dev/shm
	fi
	DIR=$(mktemp -d "$base/ec-test.XXXXXX")
	export DIR HOME=$DIR/home
	mkdir "$HOME"
	cd "$DIR" || return 1
	export EC_TEST_ID=$DIR
	SERVERS=()
	PORTS=()
}

# Every server still up must obey SIGTERM; nothing may be left running; then
# the folder goes.
common_teardown()
{
	local bad=0 name pid port

	for name in ${SERVERS[@]+"${SERVERS[@]}"}; do
		server_stop "$name" || bad=1
	done
	unset EC_TEST_ID	# what starts from here on is not the test's
	for pid in $(test_processes); do
		echo "left running: $pid $(ps -o args= "$pid")"
		kill -9 "$pid" || true
		bad=1
	done
	for port in ${PORTS[@]+"${PORTS[@]}"}; do
		rmdir "$PORT_LOCKS/$port"
	done
	cd /
	chmod -R u+rwx "$DIR" 2>/dev/null || true
	rm -rf "$DIR" || bad=1
	return $bad
}

# The processes that this test started and that are still there.
test_processes()
{
	grep -lazFx "EC_TEST_ID=$DIR" /proc/[0-9]*/environ 2>/dev/null |
	    sed 's,^/proc/\([0-9]*\)/.*,\1,' || true
}

# need program ...: skip the test when one is not installed.  In CI
# (EC_TEST_NEED_ALL=1) that is a failure.
need()
{
	local program

	for program; do
		command -v "$program" >/dev/null && continue
		if [ -n "${EC_TEST_NEED_ALL-}" ]; then
			echo "$program is not installed"
			return 1
		fi
		skip "$program is not installed"
	done
}

# exits N command ...: the command must end with exactly this status.  Its
# standard output is in $OUT, its messages in $ERR.
exits()
{
	local want=$1 got=0

	shift
	"$@" >"$DIR/.out" 2>"$DIR/.err" 3>&- || got=$?
	OUT=$(tr -d '\0' <"$DIR/.out")
	ERR=$(tr -d '\0' <"$DIR/.err")
	[ "$got" -eq "$want" ] && return 0
	echo "exit status $got, want $want: $*"
	echo "stdout: $(head -c 2000 "$DIR/.out" | tr -d '\0')"
	echo "stderr: $(head -c 4000 "$DIR/.err" | tr -d '\0')"
	return 1
}

# random_file NAME BYTES [SEED]: the same bytes for the same seed.
random_file()
{
	local key

	key=$(printf '%032x' "${3:-1}")
	openssl enc -aes-128-ctr -nosalt -K "$key" -iv 00 -in /dev/zero \
	    2>/dev/null 3>&- | head -c "$2" >"$1" || true
	[ "$(stat -c %s "$1")" -eq "$2" ]
}

# flip FILE OFFSET: change one bit there.
flip()
{
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "\\0$(printf %o $((byte ^ 1)))" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

PORT_LOCKS=/tmp/ec-test-ports.$(id -u)

# free_port: a TCP port that nobody listens on, in $PORT; it is this test's
# until its end.  Below the range that the kernel hands out by itself.
free_port()
{
	local hex try

	mkdir -p "$PORT_LOCKS"
	for try in {1..1000}; do
		PORT=$((10240 + RANDOM % 20000))
		hex=$(printf ':%04X' "$PORT")
		grep -qs "^ *[0-9]*: [0-9A-F]*$hex " /proc/net/tcp \
		    /proc/net/tcp6 && continue
		mkdir "$PORT_LOCKS/$PORT" 2>/dev/null || continue
		PORTS+=("$PORT")
		return 0
	done
	echo "no free port in $try tries"
	return 1
}

# server_start NAME command ...: run it in the background; what it prints is
# in $DIR/NAME.log.  The name is a shell word.
server_start()
{
	local name=$1

	shift
	"$@" >>"$DIR/$name.log" 2>&1 </dev/null 3>&- &
	printf -v "SERVER_PID_$name" %s $!
	SERVERS+=("$name")
}

server_pid()
{
	local var=SERVER_PID_$1

	printf '%s\n' "${!var}"
}

# server_ready NAME SECONDS command ...: wait until the command succeeds.
# Fails when the server ends first.
server_ready()
{
	local name=$1 pid end

	pid=$(server_pid "$name")
	end=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1 3>&-; do
		if ! kill -0 "$pid" 2>/dev/null; then
			echo "$name ended before it was ready"
			server_log "$name"
			return 1
		fi
		if [ "$SECONDS" -ge "$end" ]; then
			echo "$name was not ready in time: $*"
			server_log "$name"
			return 1
		fi
		sleep 0.05
	done
}

server_log()
{
	echo "--- end of $1.log"
	tail -n 40 "$DIR/$1.log"
}

server_forget()
{
	local name kept=()

	for name in "${SERVERS[@]}"; do
		[ "$name" = "$1" ] || kept+=("$name")
	done
	SERVERS=(${kept[@]+"${kept[@]}"})
}

# server_stop NAME: SIGTERM, which it must obey within 5 s, with exit status 0.
server_stop()
{
	local name=$1 pid status=0 tries

	pid=$(server_pid "$name")
	server_forget "$name"
	kill -TERM "$pid" 2>/dev/null || true
	for tries in {1..100}; do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	if kill -0 "$pid" 2>/dev/null; then
		echo "$name did not obey SIGTERM within 5 s ($tries tries)"
		kill -9 "$pid"
		wait "$pid" || true
		server_log "$name"
		return 1
	fi
	wait "$pid" || status=$?
	[ $status -eq 0 ] && return 0
	echo "$name ended with status $status"
	server_log "$name"
	return 1
}

# server_kill NAME: kill -9, as a power cut would.
server_kill()
{
	local pid

	pid=$(server_pid "$1")
	server_forget "$1"
	kill -9 "$pid"
	wait "$pid" || true
}

# fault_run SPEC command ...: run it with t/fault/fault.c loaded and EC_FAULT
# set to the spec.  Afterwards STATUS is its exit status (137 when killed),
# FAULT_MET says yes or no, and $DIR/.out and .err have what it printed.  In
# builds with a sanitizer calls for memory are not met.
fault_run()
{
	local spec=$1 preload=$EC_BIN/fault.so

	shift
	case $1 in
	ec-*)	[ ! -e "$EC_BIN/fault-sanitized.so" ] ||
		    preload=$EC_BIN/fault-sanitized.so ;;
	esac
	STATUS=0 FAULT_MET=no
	rm -f "$DIR/.fault"
	# In a shell of its own, whose word on a killed child nobody needs.
	(
		export ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS
		EC_FAULT=$spec EC_FAULT_LOG=$DIR/.fault LD_PRELOAD=$preload \
		    "$@" >"$DIR/.out" 2>"$DIR/.err" 3>&- || exit $?
	) 2>/dev/null || STATUS=$?
	if [ $STATUS -eq 99 ] || ! grep -q '^loaded$' "$DIR/.fault"; then
		echo "fault.so or a sanitizer complains: $spec: $*"
		cat "$DIR/.err"
		return 1
	fi
	# shellcheck disable=SC2034 # for the tests
	! grep -q '^met ' "$DIR/.fault" || FAULT_MET=yes
}

# fault_seen KIND: how many calls of a kind that the last fault_run counted.
fault_seen()
{
	awk -v kind="$1" '$1 == "seen" && $2 == kind { n += $3 }
	    END { print n + 0 }' "$DIR/.fault"
}

# fault_loop SPEC BEFORE AFTER command ...: for n = 1, 2, ... until a run meets
# no fault: call BEFORE, run the command with the spec, in which N stands for
# n, and call AFTER, which must find all well.  Without EC_FAULT_FULL, and for
# the many calls for memory of shared libraries, the steps grow, so that some 15
# points of 400 are tried instead of all.  Standard input of each run is the
# file $FAULT_STDIN.
fault_loop()
{
	local n=1 spec before=$2 after=$3 last=$1 runs=0
	local all=${EC_FAULT_FULL:-0}

	case $last in
	malloc:*) all=0 ;;
	esac
	shift 3
	while :; do
		spec=${last//:N/:$n}
		$before || return 1
		fault_run "$spec" "$@" <"${FAULT_STDIN:-/dev/null}" || return 1
		if ! $after; then
			echo "after EC_FAULT=$spec, status $STATUS: $*"
			cat "$DIR/.fault" "$DIR/.err"
			return 1
		fi
		[ $FAULT_MET = yes ] || break
		runs=$((runs + 1))
		n=$((n + 1 + (all == 0 ? n / 2 : 0)))
	done
	echo "# $last: $runs faults, met none at n = $n" >&3
}
