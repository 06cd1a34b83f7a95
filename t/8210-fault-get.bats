# ec-get from four drives, with every call failing in turn.
load lib/common.bash
load lib/store.bash

setup()
{
	store_setup
}

# What came out is the beginning of the object, and all of it with success.
streamed()
{
	[ "$STATUS" -ne 99 ] || return 1
	if [ "$STATUS" -eq 0 ]; then
		cmp -s large .out
	else
		cmp -s -n "$(stat -c %s .out)" large .out
	fi && whole_again
}

@test "ec-get" {
	local spec

	for spec in $FAULTS; do
		fault_loop "$spec" restore streamed ec-get -d "$D" box/large
	done
}
