# ec-pool drain, with every call failing in turn, and killed at each: readers
# find all there is, once, and what is written then stays.
load lib/common.bash
load lib/store.bash

# Few drives and objects: a call of any of them is a run of the full loop.
setup()
{
	local both key

	store_setup
	both="$DIR/base/{1...3} $DIR/base/b{1...2}"
	D="$DIR/d/{1...3} $DIR/d/b{1...2}"
	rm -r base
	mkdir -p base/{1..3}
	ec-put -d "$DIR/base/{1...3}" --format --bucket box
	for key in small gone k; do
		ec-put -d "$DIR/base/{1...3}" "box/$key" <small
	done
	ec-put -d "$DIR/base/{1...3}" box/large <large
	mkdir base/b{1..2}
	ec-put -d "$both" --format
	ec-get -d "$both" --list --versions box/ >listing
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

# A key that was half moved is finished with by who writes it next, who is then
# told to try again.
write()
{
	local status=0

	ec-put -d "$D" "$1" <other || status=$?
	[ $status -ne 8 ] || ec-put -d "$D" "$1" <other
}

# Half of the times something is written before it goes on.
drained()
{
	there || return 1
	turn=$((${turn:-0} + 1))
	if [ $((turn % 2)) -eq 0 ]; then
		write box/small || return 1
		write box/k || return 1
		ec-put -d "$D" --delete box/gone
		holds box/small other && holds box/k other || return 1
		[ "$(state box/gone small)" = none ] || return 1
	fi
	exits 0 ec-pool -d "$D" drain 0 || return 1
	holds box/large large || return 1
	whole_again || return 1
	rm -rf d/1 d/2 d/3
	D="$DIR/d/b{1...2}" after_wards
}

after_wards()
{
	holds box/large large || return 1
	if [ $((turn % 2)) -eq 0 ]; then
		holds box/small other && holds box/k other &&
		    [ "$(state box/gone small)" = none ]
	else
		holds box/small small && listed
	fi
}

@test "ec-pool drain" {
	local spec full

	# At each call an error and a kill; of the other kinds a sample.
	for spec in $FAULTS $KILLS; do
		full=${EC_FAULT_FULL:-0}
		[[ $spec = *io:N && $spec != torn* ]] || full=0
		EC_FAULT_FULL=$full fault_loop "$spec" restore drained \
		    ec-pool -d "$D" drain 0
	done
}
