# A new drive filled with many small objects: few flushes, and nothing is said
# to be there that is not.
load lib/common
load lib/drives

setup()
{
	common_setup
	drives_make
	mkdir many
	random_file bytes 1200000
	split -a 3 -b 2000 bytes many/
	tar -C many -c . | ec-put --extract bucket/many/
	put large 900000
	put larger 2000000 2
	shard_sums >sums
}

replace()
{
	rm -rf "$1"
	mkdir "$1"
}

# All of it is on d2, and counted; then without two others.
filled()
{
	exits 1 grep -q filling d2/.ec/format.json
	exits 0 ec-heal wait
	[[ $OUT =~ ^census$'\t'([0-9]+)" of "([0-9]+)" versions on 4 drives	0" ]]
	[ "${BASH_REMATCH[1]}" -ge 602 ]
	[ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]
	exits 0 ec-scan --deep
	shard_sums | diff - sums
}

@test "records go to it many at a time" {
	replace d2
	EC_FAULT_PATH=$DIR/d2/.ec/journal fault_run fdatasync:0 ec-heal -v
	[ "$STATUS" -eq 0 ]
	[ "$(grep -c '^healed.*many/.* missing -> ok' .out)" -eq 600 ]
	[ "$(fault_seen fdatasync)" -ge 3 ]
	[ "$(fault_seen fdatasync)" -le 30 ]
	filled
	mkdir away
	mv d1 d3 away
	all_there
	ec-get --archive=tar bucket/many/ | tar x
	find many -type f | sort | xargs cat | cmp - bytes
}

@test "what it does not take is not said to be there" {
	local n

	for n in 1 2 3 5; do
		replace d2
		EC_FAULT_PATH=$DIR/d2/.ec/journal \
		    fault_run "pwritev:$n+:EIO" ec-heal -v
		[ "$STATUS" -ne 0 ]
		[ "$(grep -c '^healed' .out)" -lt 600 ]
		grep -q filling d2/.ec/format.json
		exits 0 ec-heal
		filled
	done
}

@test "killed at any moment, ec-heal --all goes on where it was" {
	local began ms i

	began=$(date +%s%N)
	replace d2
	exits 0 ec-heal --all
	ms=$((($(date +%s%N) - began) / 1000000))
	for ((i = 0; i < ${EC_HEAL_KILLS:-4}; i++)); do
		replace d2
		flip "$(shard_of d1)" 7000
		timeout -s KILL "$(((RANDOM % ms + 1) * 1000))e-6" \
		    ec-heal --all || true
		timeout -s KILL "$(((RANDOM % ms + 1) * 1000))e-6" \
		    ec-heal --all || true
		exits 0 ec-heal --all --deep
		filled
	done
}
