# ec-put on four drives, with every call failing in turn, and killed at each.
# What was acknowledged is whole afterwards, what was not is absent or complete,
# and all readers agree.
load lib/common.bash
load lib/store.bash

setup()
{
	store_setup
}

put_new()
{
	local now

	[ "$STATUS" -ne 99 ] || return 1
	holds box/large large && holds box/small small || return 1
	now=$(agreed box/new other) || { echo "$now"; return 1; }
	! acknowledged || [ "$now" = other ] || return 1
	[ "$STATUS" -eq 0 ] || [ "$STATUS" -eq 137 ] || [ -s .err ] || return 1
	whole_again && [ "$(state box/new other)" = "$now" ]
}

put_over()
{
	local now

	[ "$STATUS" -ne 99 ] || return 1
	holds box/small small || return 1
	now=$(agreed box/large large other) || { echo "$now"; return 1; }
	[ "$now" != none ] || return 1
	! acknowledged || [ "$now" = other ] || return 1
	whole_again && [ "$(state box/large large other)" = "$now" ]
}

deleted()
{
	local now

	holds box/small small || return 1
	now=$(agreed box/large large) || { echo "$now"; return 1; }
	! acknowledged || [ "$now" = none ] || return 1
	whole_again && [ "$(state box/large large)" = "$now" ]
}

@test "ec-put of a new object" {
	local spec

	for spec in $FAULTS $KILLS; do
		FAULT_STDIN=other fault_loop "$spec" restore put_new \
		    ec-put -d "$D" box/new
	done
}

@test "ec-put over an old object" {
	local spec

	for spec in $FAULTS $KILLS; do
		FAULT_STDIN=other fault_loop "$spec" restore put_over \
		    ec-put -d "$D" box/large
	done
}

@test "ec-put --delete" {
	local spec

	for spec in $FAULTS $KILLS; do
		fault_loop "$spec" restore deleted \
		    ec-put -d "$D" --delete box/large
	done
}

@test "a shard that memory was missing for does not count as written" {
	local n=1

	while :; do
		restore
		fault_run own:$n ec-put -d "$D" box/large <other
		[ "$FAULT_MET" = yes ] || break
		ec-scan -d "$D" --deep >said || true
		if grep corrupt said; then
			cat "$DIR/.fault"
			return 1
		fi
		n=$((n + 5))		# the end of one asks some eight times
	done
}

@test "a shard file whose folder cannot be flushed does not count" {
	local n

	restore
	export EC_FAULT_PATH=/shard/
	fault_run fsync:1+:EIO ec-put -d "$D" box/new <other
	unset EC_FAULT_PATH
	n=$(fault_seen fsync)
	[ "$n" -ge 3 ]
	[ "$STATUS" -eq 9 ]
	exits 5 ec-get -d "$D" box/new
}
