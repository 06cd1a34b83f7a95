# store: what the fault loops over a store on four drives (2+2) share.
# shellcheck shell=bash

# base/ holds box/small and box/large; each run works on a copy, d/.
store_setup()
{
	common_setup
	D="$DIR/d/{1...4}"
	mkdir -p base/{1..4}
	random_file small 3000 1
	random_file large 700000 2
	random_file other 600000 3
	ec-put -d "$DIR/base/{1...4}" --format --bucket box
	ec-put -d "$DIR/base/{1...4}" box/small <small
	ec-put -d "$DIR/base/{1...4}" box/large <large
	# Not what libraries read for themselves.
	export EC_FAULT_PATH=$DIR/d/
	FAULTS='io:N io:N:ENOSPC own:N malloc:N'
	KILLS='kill@io:N torn@io:N'
}

# The last command did what it was told to, on all drives or not on all.
acknowledged()
{
	[ "$STATUS" -eq 0 ] || [ "$STATUS" -eq 3 ]
}

restore()
{
	rm -rf d && cp -a base d
}

# holds KEY FILE: the object is there and is this.
holds()
{
	ec-get -d "$D" "$1" >got 2>got.err && cmp -s got "$2"
}

# state KEY FILE ...: which of the files the object is, "none", or "wrong" and
# a failure.
state()
{
	local key=$1 status=0 f

	shift
	ec-get -d "$D" "$key" >got 2>got.err || status=$?
	if [ $status -eq 5 ]; then
		echo none
		return 0
	fi
	if [ $status -eq 8 ] && [ -n "${MAY_BE_UNDECIDED-}" ]; then
		echo undecided
		return 0
	fi
	if [ $status -eq 0 ]; then
		for f; do
			cmp -s got "$f" && echo "$f" && return 0
		done
	fi
	echo "$key: wrong, status $status, $(stat -c %s got) bytes:" \
	    "$(cat got.err)"
	return 1
}

# All readers agree, whichever drive is away.  A write that was not
# acknowledged may be beyond decision while one is: then none gets an answer.
agreed()
{
	local seen again i MAY_BE_UNDECIDED=

	seen=$(state "$@") || { echo "$seen"; return 1; }
	acknowledged || MAY_BE_UNDECIDED=yes
	for i in 1 4; do
		mv "d/$i" d/away
		again=$(state "$@") || seen=failed
		mv d/away "d/$i"
		[ "$again" = "$seen" ] || [ "$again" = undecided ] || {
			echo "$1 is $seen, without drive $i it is $again"
			return 1
		}
	done
	echo "$seen"
}

# Everything can be made whole, and then nothing is left to find.  Who was
# killed could leave no note of it: the next owner compares what was written
# last, which is all there is here.
whole_again()
{
	exits 0 ec-heal -d "$D" || return 1
	exits 0 ec-scan -d "$D" --deep || return 1
}

