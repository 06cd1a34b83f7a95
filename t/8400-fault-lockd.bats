# ec-lockd when memory is short or the state file cannot be written.
load lib/common.bash
load lib/lockd.bash

# It succeeded or said why not (127: the command itself had no memory), and the
# lock is free.
lock_is_free()
{
	case $STATUS in
	0|127) ;;
	1|2|5|8|9) [ -s .err ] || return 1 ;;
	*) return 1 ;;
	esac
	ec-lockd --run a --wait 10 -- true
}

@test "a client without memory says so and keeps nothing" {
	lockds 1 --lease 2
	# Not malloc: getpwuid of glibc 2.36 crashes without memory.
	fault_loop own:N true lock_is_free \
	    ec-lockd --run a --wait 2 -- true
}

@test "without its state file the daemon grants nothing, and then again" {
	local spec

	free_port
	ADDRESS[1]=127.0.0.1:$PORT
	export EC_LOCKD=${ADDRESS[1]}
	for spec in fsync:1 renameat:1 write:1:ENOSPC; do
		fault_run $spec ec-lockd --address "${ADDRESS[1]}" \
		    --state new
		[ "$FAULT_MET" = yes ]
		[ "$STATUS" -eq 9 ]
		[ ! -e new ]
	done
	# A sanitizer's runtime must come before what is preloaded.
	case $EC_BIN in
	*/plain) ;;
	*)	return 0 ;;
	esac
	# the second write is before the first grant
	lockd 1
	server_stop lockd1
	server_start lockd1 env LD_PRELOAD="$EC_BIN/fault.so" \
	    EC_FAULT=fsync:3:ENOSPC EC_FAULT_LOG="$DIR/.fault" \
	    ec-lockd --address "${ADDRESS[1]}" --state state1
	server_ready lockd1 10 ec-lockd --list
	exits 8 ec-lockd --run a --wait 0 -- touch ran
	[ ! -e ran ]
	grep -q 'no space left' lockd1.log
	exits 0 ec-lockd --run a --wait 20 -- true
}
