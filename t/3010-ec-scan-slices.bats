# ec-scan in slices: what is done is kept on the drives, whoever ends it.
load lib/common
load lib/drives

setup()
{
	common_setup
	drives_make
}

fill()
{
	local i

	tar c -C "$ROOT" t/unit t/lib | ec-put --extract bucket/
	for ((i = 0; i < 4; i++)); do
		put "large/$i" 600000 "$i"
	done
}

# state NAME: a member of the state's JSON.
state()
{
	ec-scan status --json | jq -r ".$1"
}

# scan_begun NAME: wait until that process scans.  First it must own the drives:
# else it may use those of a tool that only asks, which then waits for its end.
scan_begun()
{
	server_ready "$1" 60 owns_drives "$1"
	server_ready "$1" 60 scan_runs
}

owns_drives()
{
	find "/proc/$(server_pid "$1")/fd" -lname "$DIR/d4/.ec/owner" |
	    grep -q .
}

scan_runs()
{
	[ "$(state state)" = running ]
}

@test "slices add up to a whole pass, and each thing is found once" {
	local slice

	fill
	[ "$(ec-scan status)" = "  scan: none requested" ]
	rm d1/shard/*/*
	: >found
	# Each slice ends at its first finding.
	for slice in {1..20}; do
		ec-scan continue --errors 1 >>found || true
		[ "$(state state)" != finished ] || break
		[ "$(state state)" = paused ]
		[ "$(state reason)" = "so many findings" ]
	done
	[ "$(state state)" = finished ]
	[ "$slice" -gt 1 ]
	ec-scan >all || true
	sort found | cmp - <(sort all)
	[ "$(state versions)" = "$(state total)" ]
	[ "$(state degraded)" = "$(wc -l <all)" ]
	# The next one begins anew.
	ec-heal -a
	exits 0 ec-scan continue
	[ -z "$OUT" ]
	[ "$(state degraded)" = 0 ]
	[[ $(ec-scan status) == *"light scan finished"*" 0 found, 0 lost"* ]]
}

@test "killed with kill -9: the next slice goes on; paused, stopped" {
	fill
	rm d1/shard/*/*
	exits 3 ec-scan start --deep --errors 1
	server_start one ec-scan continue --rate 1K
	scan_begun one
	# One at a time.
	exits 8 ec-scan start
	[[ $ERR == *"a scan is under way"* ]]
	server_kill one
	ec-scan continue --rate 1K --time 1 || [ $? -eq 3 ]
	[ "$(state reason)" = "time is up" ]
	server_start two ec-scan continue --rate 1K
	scan_begun two
	exits 0 ec-scan pause
	wait "$(server_pid two)" || true
	server_forget two
	[ "$(state state)" = paused ]
	[ "$(state reason)" = "by hand" ]
	exits 5 ec-scan pause
	exits 0 ec-scan stop
	[ "$(state state)" = stopped ]
	ec-heal -a
	exits 0 ec-scan continue
	[ "$(state state)" = finished ]
}

@test "SIGTERM and the time limit keep what is done" {
	fill
	server_start one ec-scan start --deep --rate 1K
	scan_begun one
	kill "$(server_pid one)"
	wait "$(server_pid one)" || true
	server_forget one
	[ "$(state reason)" = interrupted ]
	exits 0 ec-scan continue --rate 1K --time 1
	[ "$(state reason)" = "time is up" ]
	exits 0 ec-scan continue
	[ "$(state state)" = finished ]
}

@test "--since, --set, --repair, --metrics" {
	fill
	rm d2/shard/*/*
	exits 0 ec-scan --since 2030-01-01
	exits 3 ec-scan --since 2020-01-01T00:00:00Z --set 1
	exits 5 ec-scan --set 2
	exits 2 ec-scan --since yesterday
	exits 3 ec-scan start --repair --metrics ec.prom
	grep -q '^ec_scan_last_exit_code 3$' ec.prom
	grep -q '^ec_scan_findings{what="degraded"} 4$' ec.prom
	exits 0 ec-heal
	exits 0 ec-scan --deep
	exits 0 ec-scan start --metrics ec.prom
	grep -q '^ec_scan_last_exit_code 0$' ec.prom
}
