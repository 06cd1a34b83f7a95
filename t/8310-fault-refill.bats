# ec-heal of four drives, with every call failing in turn, and killed at each.
load lib/common.bash
load lib/store.bash

setup()
{
	store_setup
}

two_replaced()
{
	restore && rm -rf d/2 d/3 && mkdir d/2 d/3
}

healed()
{
	[ "$STATUS" -ne 99 ] || return 1
	holds box/small small && holds box/large large && whole_again || return 1
	rm -rf d/1 d/4
	mkdir d/1 d/4
	holds box/small small && holds box/large large
}

@test "ec-heal of two replaced drives" {
	local spec

	for spec in $FAULTS $KILLS; do
		fault_loop "$spec" two_replaced healed ec-heal -d "$D"
	done
}
