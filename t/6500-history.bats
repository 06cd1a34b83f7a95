#!/usr/bin/env bats
# The judge of recorded histories: it passes what is right and finds each kind
# of violation that was planted.
load lib/common

@test "verdicts on tiny, on large and on planted histories" {
	run /usr/bin/python3 "$ROOT/t/history/planted.py" 30000
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c '^ok .*found: ' <<<"$output")" -eq 17 ]
}

@test "a history from a file: right, wrong, unreadable" {
	local judge=$ROOT/t/history/history.py

	cat >right <<-'END'
	{"op": "put", "key": "k", "value": "a", "start": 1, "end": 2}
	{"op": "delete", "key": "k", "start": 3, "end": null}
	{"op": "get", "key": "k", "value": "a", "start": 4, "end": 5}
	{"op": "list", "prefix": "", "keys": {}, "start": 6, "end": 7}
	END
	exits 0 /usr/bin/python3 "$judge" right
	[ "$OUT" = "right: 4 operations on keys, 0 keys wrong" ]
	{
		cat right
		echo '{"op": "get", "key": "k", "value": "a", "start": 8,' \
		    '"end": 9}'
	} >wrong
	exits 1 /usr/bin/python3 "$judge" right wrong
	grep -q '^wrong: k: line [345]: no order explains this get' <<<"$OUT"
	echo '{"op": "put"}' >unreadable
	exits 2 /usr/bin/python3 "$judge" unreadable
	exits 2 /usr/bin/python3 "$judge" missing
}
