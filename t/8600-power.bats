#!/usr/bin/env bats
# The power of all drives is cut under load (promise 1).  EC_POWER=400 makes it
# a long run.
load lib/common

# Whether loop devices can be mounted is not for a package to decide.
power()
{
	local kind=$1 cycles=${EC_POWER:-6}

	need "mkfs.$kind" unshare
	[ "$(id -u)" -eq 0 ] || skip "only root may mount"
	truncate -s 320M probe.img
	"mkfs.$kind" -q probe.img
	mkdir probe
	unshare -m --propagation private mount -o loop probe.img probe ||
	    skip "no loop devices here"
	rm probe.img
	run unshare -m --propagation private /usr/bin/python3 \
	    "$ROOT/t/power/power.py" "$EC_BIN/ec-s3d" "$kind" "$DIR" "$cycles"
	echo "$output"
	[ "$status" -eq 0 ]
	echo "# $output" >&3
}

@test "power cuts on ext4: nothing acknowledged is lost" {
	power ext4
}

@test "power cuts on XFS: nothing acknowledged is lost" {
	power xfs
}
