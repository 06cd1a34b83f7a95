# ec-heal with every call failing in turn, and killed at each.
load lib/common
load lib/drives

setup()
{
	common_setup
	drives_make
	put small 2000
	put large 1000000
	shard_sums >sums
	cp -a d1 d2 d3 d4 home
	EC_FAULT_PATH=$DIR/d	# not what libraries read for themselves
	export EC_FAULT_PATH
}

# One drive is new, and a shard on another is bad.
damage()
{
	rm -rf d1 d2 d3 d4
	cp -a home/d? .
	rm -rf d1
	mkdir d1
	flip "$(shard_of d2)" 7000
}

# Nothing is lost, and the next heal ends well.
still_there()
{
	all_there && exits 0 ec-heal --all --deep &&
	    exits 0 ec-scan --deep && shard_sums | diff - sums
}

@test "killed at any moment it loses nothing, and the next one goes on" {
	local spec

	for spec in kill@fsync:N kill@fdatasync:N kill@renameat:N \
	    kill@link:N torn@pwritev:N; do
		fault_loop "$spec" damage still_there ec-heal --all --deep
	done
}

@test "a call that fails loses nothing" {
	local spec

	for spec in pwritev:N:ENOSPC fsync:N fdatasync:N renameat:N link:N \
	    openat:N; do
		fault_loop "$spec" damage still_there ec-heal --all --deep
	done
}
