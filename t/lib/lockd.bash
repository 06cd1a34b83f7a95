# lockd: lock daemons for tests, and something that only one may do at a time.
# Load it after common.bash.
# shellcheck shell=bash

setup()
{
	common_setup
	export EC_SECRET=a-secret-for-tests
	export XDG_RUNTIME_DIR=$DIR
	unset EC_LOCKD EC_LOCKD_ADDRESS EC_LOCKD_STATE EC_CONFIG
}

# lockds N [option ...]: start N daemons, and let EC_LOCKD name them.
lockds()
{
	local i n=$1

	shift
	EC_LOCKD=
	for ((i = 1; i <= n; i++)); do
		free_port
		ADDRESS[i]=127.0.0.1:$PORT
		EC_LOCKD+=${EC_LOCKD:+,}127.0.0.1:$PORT
		lockd "$i" "$@"
	done
	export EC_LOCKD
}

# lockd I [option ...]: start the I-th.
lockd()
{
	local i=$1

	shift
	server_start "lockd$i" ec-lockd --address "${ADDRESS[i]}" \
	    --state "$DIR/state$i" "$@"
	server_ready "lockd$i" 10 ec-lockd --list --peers "${ADDRESS[i]}"
}

# What only one may do at a time: it fails when somebody else is inside.
critical()
{
	cat >critical <<-'END'
	mkdir inside || { echo "two inside" >>violations; exit 99; }
	trap 'rmdir inside; exit 1' TERM
	n=$(cat counter)
	sleep "${1:-0}"
	echo $((n + 1)) >counter
	echo "$EC_LOCK_TOKEN" >>tokens
	rmdir inside
	END
	echo 0 >counter
	: >tokens
}
