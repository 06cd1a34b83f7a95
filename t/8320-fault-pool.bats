# ec-pool drain, with every call failing in turn, and killed at each: readers
# find all there is, once, and what is written then stays.
load lib/common.bash
load lib/store.bash

setup()
{
	store_setup
	D="$DIR/d/{1...4} $DIR/d/b{1...4}"
	for i in 1 2 3; do
		ec-put -d "$DIR/base/{1...4}" "box/gone$i" <small
		ec-put -d "$DIR/base/{1...4}" "box/k$i" <small
	done
	mkdir base/b{1..4}
	ec-put -d "$DIR/base/{1...4} $DIR/base/b{1...4}" --format
	ec-get -d "$DIR/base/{1...4} $DIR/base/b{1...4}" --list --versions \
	    box/ >listing
	[ "${EC_FAULT_FULL:-0}" != 0 ] || FAULTS='' KILLS=kill@io:N
}

listed()
{
	ec-get -d "$D" --list --versions box/ | diff listing - >&2
}

there()
{
	[ "$STATUS" -ne 99 ] || return 1
	holds box/small small && holds box/large large && listed || return 1
}

# Half of the times something is written before it goes on.
drained()
{
	there || return 1
	turn=$((${turn:-0} + 1))
	if [ $((turn % 2)) -eq 0 ]; then
		ec-put -d "$D" box/small <other
		ec-put -d "$D" box/k1 <other
		ec-put -d "$D" --delete box/gone1
		holds box/small other && holds box/k1 other || return 1
		[ "$(state box/gone1 small)" = none ] || return 1
	fi
	exits 0 ec-pool -d "$D" drain 0 || return 1
	holds box/large large && holds box/k2 small || return 1
	whole_again || return 1
	rm -rf d/1 d/2 d/3 d/4
	D="$DIR/d/b{1...4}" after_wards
}

after_wards()
{
	holds box/large large || return 1
	if [ $((turn % 2)) -eq 0 ]; then
		holds box/small other && holds box/k1 other &&
		    [ "$(state box/gone1 small)" = none ]
	else
		holds box/small small && listed
	fi
}

@test "ec-pool drain" {
	local spec

	for spec in $FAULTS $KILLS; do
		fault_loop "$spec" restore drained ec-pool -d "$D" drain 0
	done
}
