# ec-heal: what was lost is made again, bit by bit, and nothing else changes.
load lib/common
load lib/drives

setup()
{
	common_setup
}

# Replace the drives named by empty folders.
replace()
{
	local d

	for d; do
		rm -rf "$d"
		mkdir "$d"
	done
}

whole()
{
	exits 0 ec-scan --deep
	shard_sums | diff - sums
}

@test "every pair of 2+2 replaced: refilled to the same bytes" {
	local i j

	drives_make 4
	put_kinds
	for i in 1 2 3 4; do
		for ((j = i; j <= 4; j++)); do
			replace "d$i" "d$j"
			all_there
			exits 0 ec-heal
			[ -z "$OUT" ]
			whole
		done
	done
	all_there
	exits 0 ec-heal --all --verbose
	[ -z "$OUT" ]
}

@test "two replaced and not filled, the others away: not known, never \"none\"" {
	local d

	drives_make 4
	put_kinds
	replace d2 d3
	exits 0 ec-heal
	exits 1 grep filling d?/.ec/format.json
	for d in d2 d3; do
		sed 's/"drives"/"filling": true, &/' $d/.ec/format.json >format
		replace $d
		mkdir -p $d/.ec/journal $d/shard
		mv format $d/.ec/format.json
	done
	mkdir away
	mv d1 d4 away
	mkdir d1 d4
	exits 8 ec-get bucket/small
	[[ $ERR == *"d1: drive is offline"* ]]
	[[ $ERR == *"d3: new, not filled yet"* ]]
	exits 8 ec-get --list bucket/
	exits 8 ec-get bucket/never
	rmdir d1 d4
	mv away/d1 away/d4 .
	exits 5 ec-get bucket/never
	exits 0 ec-heal
	exits 1 grep filling d?/.ec/format.json
	mv d1 d4 away
	all_there
}

@test "8+4: four drives replaced at once" {
	drives_make 12
	put_kinds
	replace d2 d3 d7 d12
	exits 0 ec-heal -v
	[[ $ERR == *"4 drives formatted, 0 away"* ]]
	whole
	all_there
}

@test "a scan's findings are healed, and only those" {
	drives_make
	put_kinds
	rm "$(shard_of d1)"
	flip "$(shard_of d2)" 9000
	exits 3 ec-heal --all --dry-run --deep
	[[ $OUT == would-heal* ]]
	exits 3 ec-scan --deep
	ec-scan --deep | ec-heal -v - >out
	grep -q "^healed	bucket/.*$DIR/d2 corrupt -> ok" out
	whole
	[ "$(find d2/.ec/quarantine -type f | wc -l)" -eq 1 ]
	[ -z "$(find d?/.ec/staged -type f)" ]
	# Damage that only a deep scan sees, and nothing else.
	flip "$(shard_of d3)" 9000
	ec-scan --deep | ec-heal -v - >out
	grep -q "^healed	bucket/.*$DIR/d3 corrupt -> ok" out
	whole
	# Lines that are none are told, the others healed.
	rm "$(shard_of d1)"
	{ echo nonsense; ec-scan || true; } >findings
	exits 1 ec-heal - <findings
	[[ $ERR == *"not a finding: nonsense"* ]]
	whole
}

@test "a dry run changes nothing" {
	drives_make
	put_kinds
	rm -rf d1
	mkdir d1
	rm "$(shard_of d2)"
	shard_sums >before
	exits 3 ec-heal -n
	exits 3 ec-heal -na
	[[ $OUT == *would-heal* ]]
	shard_sums | diff - before
	[ -z "$(ls -A d1)" ]
	exits 0 ec-heal -a
	whole
}

@test "what was written without a drive is healed when it is back" {
	drives_make
	put early 600000
	mv d3 away
	put late 700000
	put tiny 10
	put early 800000 2
	put gone 600000
	exits 3 ec-put --delete bucket/gone
	rm data/gone
	exits 3 ec-scan --status
	exits 3 ec-heal		# in vain: what is queued stays
	mv away d3
	exits 3 ec-scan --status
	[[ $OUT == *"not yet on all drives"* ]]
	exits 0 ec-heal
	exits 0 ec-scan --status
	exits 0 ec-scan --deep
	# What d3 had missed stands on it; what it had of old does not.
	mv d1 away1
	mv d2 away2
	all_there
	exits 5 ec-get bucket/gone
	mv away1 d1
	mv away2 d2
	[ "$(find d3/shard -type f | wc -l)" -eq \
	    "$(find d1/shard -type f | wc -l)" ]
}

serve()
{
	export EC_ROOT_USER=tester EC_ROOT_PASSWORD=a9e1c3b5d7
	free_port
	server_start s3d ec-s3d --address "127.0.0.1:$PORT" "$EC_VOLUMES"
	server_ready s3d 20 curl -sf "http://127.0.0.1:$PORT/ec/health/ready"
}

@test "the queue is there after kill -9, and without the index" {
	drives_make
	mv d4 away
	serve
	put f 900000
	put small 100
	server_kill s3d
	mv away d4
	rm -f d?/.ec/index.db*
	exits 3 ec-scan --status
	[[ $OUT == *"2 versions are not yet on all drives"* ]]
	exits 0 ec-heal -v
	[[ $OUT == *healed*bucket/f* && $OUT == *healed*bucket/small* ]]
	exits 0 ec-scan --deep
	exits 0 ec-scan --status
}

# As if the process had been killed before that drive had the last write.
@test "what a killed server left on some drives only is healed unasked" {
	drives_make
	put_kinds
	cp -a d3 before
	serve
	put one 300000 7
	put new 40
	put newer 700000
	ec-put --delete bucket/small
	rm data/small
	server_kill s3d
	rm -rf d3
	mv before d3
	exits 3 ec-scan
	serve
	server_ready s3d 60 ec-scan
	server_stop s3d
	exits 0 ec-scan --deep
	exits 0 ec-scan --status
	all_there
	# The same with the tools alone.
	cp -a d2 before
	serve
	put newest 80
	server_kill s3d
	rm -rf d2
	mv before d2
	exits 0 ec-heal -v
	[[ $OUT == *healed*bucket/newest*"$DIR/d2 missing -> ok"* ]]
	[[ $OUT != *bucket/large* ]]
	exits 0 ec-scan --deep
}

@test "damage met by a reader is healed from the queue" {
	drives_make
	put_kinds
	flip "$(shard_of d1)" 9000
	flip "$(shard_of d2)" 9000
	all_there
	exits 3 ec-scan --status
	exits 0 ec-heal
	all_there
	exits 0 ec-heal
	exits 0 ec-scan --status
}

@test "lost: reported, nothing removed; whole when a drive is back" {
	drives_make
	put_kinds
	mv d1 away1
	mv d2 away2
	mv d3 away3
	exits 8 ec-heal
	mv away1 d1
	exits 3 ec-heal --all
	mv away2 d2
	mv away3 d3
	whole
	cp -a d1/shard keep1
	cp -a d2/shard keep2
	cp -a d3/shard keep3
	find d1/shard d2/shard d3/shard -type f -delete
	exits 4 ec-heal --all
	[[ $OUT == lost* ]]
	exits 4 ec-heal --all --json
	[[ $OUT == *'"result":"lost"'* ]]
	rm -rf d1/shard
	mv keep1 d1/shard
	exits 0 ec-heal --all
	whole
	all_there
}

@test "more drives replaced than there is parity: told, and left alone" {
	drives_make
	put_kinds
	cp -a d1 d2 d3 home
	local d

	replace d1 d2 d3
	exits 8 ec-heal
	for d in d1 d2 d3; do
		rm -rf "$d"
		cp -a "home/$d" .
	done
	# One after the other, and never given the time to heal.
	for d in d1 d2 d3; do
		replace "$d"
		ec-heal -b other
	done
	find d4/shard | sort >before
	exits 4 ec-scan
	[[ $OUT == *lost*bucket/small* ]]
	exits 4 ec-heal
	[[ $OUT == *lost*bucket/small* ]]
	[[ $ERR == *"were lost with the drives that were replaced"* ]]
	exits 4 ec-heal --all
	[[ $OUT == *lost*bucket/small* ]]
	find d4/shard | sort | cmp - before
	exits 4 ec-scan
	# What can be done is done: the drives are in service, and the set works.
	exits 1 grep filling d?/.ec/format.json
	exits 0 ec-scan --status
	ec-scan start >/dev/null || [ $? -eq 4 ]
	exits 0 ec-scan --status
	grep -q '^status: [0-9]* versions are lost, by the last scan.' <<<"$OUT"
	exits 5 ec-get bucket/never
	exits 5 ec-get bucket/deleted
	# What one drive still has a record of was there: no reader is told
	# otherwise.
	for d in small large over one; do
		exits 4 ec-get "bucket/$d"
		[[ $ERR == *"a lost version: pieces 2 of 4 not met: $DIR/d1: "* ]]
		exits 4 ec-get --stat "bucket/$d"
	done
	exits 0 ec-put --delete bucket/one
	exits 5 ec-get bucket/one
	echo again | ec-put bucket/small
	[ "$(ec-get bucket/small)" = again ]
}

@test "twice at once" {
	drives_make
	put_kinds
	replace d2
	server_start one ec-heal --all
	exits 0 ec-heal --all
	wait "$(server_pid one)"
	server_forget one
	whole
}

@test "beside a server, through it" {
	drives_make
	put_kinds
	serve
	exits 0 ec-scan --deep
	rm "$(shard_of d1)"
	flip "$(shard_of d2)" 7000
	exits 3 ec-scan --deep
	ec-scan --deep | ec-heal -v - >out
	grep -q ^healed out
	whole
	exits 0 ec-scan --status
	server_stop s3d
	whole
	all_there
}

# logged TEXT: wait until the server says so.
logged()
{
	local end=$((SECONDS + 60))

	until grep -q "$1" s3d.log; do
		[ $SECONDS -lt $end ] || { tail s3d.log; return 1; }
		sleep 0.1
	done
}

@test "a drive is taken in while a heal of another goes on and on" {
	local i preload=$EC_BIN/fault.so

	[ ! -e "$EC_BIN/fault-sanitized.so" ] ||
	    preload=$EC_BIN/fault-sanitized.so
	drives_make
	for i in {1..60}; do
		put "k$i" 300000 "$i"
	done
	shard_sums >sums
	replace d1
	touch slow
	export EC_ROOT_USER=tester EC_ROOT_PASSWORD=a9e1c3b5d7
	free_port
	server_start s3d env LD_PRELOAD="$preload" \
	    ASAN_OPTIONS="verify_asan_link_order=0:$ASAN_OPTIONS" \
	    EC_FAULT=delay@pread:1+:100 EC_FAULT_PATH=/shard/ \
	    EC_FAULT_WHEN="$DIR/slow" \
	    ec-s3d --address "127.0.0.1:$PORT" "$EC_VOLUMES"
	logged 'd1: new drive formatted'
	until [ "$(find d1/shard -type f | wc -l)" -gt 0 ]; do
		[ $SECONDS -lt 300 ]
		sleep 0.1
	done
	replace d2
	logged 'd2: new drive formatted'
	[ "$(find d1/shard -type f | wc -l)" -lt 60 ]
	rm slow
	logged 'd1: filled'
	logged 'd2: filled'
	server_stop s3d
	whole
	all_there
}

@test "misuse" {
	exits 2 ec-heal -j -0
	exits 2 ec-heal -b /x
}

# Each damaged file is made anew once, whoever does it.
@test "two heals at once, one of them the server's: nothing is healed twice" {
	local i n=0 file

	drives_make
	for i in {1..24}; do
		put "o$i" 600000 "$i"
	done
	shard_sums >sums
	serve
	for file in d1/shard/*/* d3/shard/*/*; do
		flip "$file" 9000
		n=$((n + 1))
	done
	[ "$n" -eq 48 ]
	ec-scan --deep --json >findings || true
	server_start one bash -c "ec-heal -v - <findings"
	server_start two ec-heal -v --all --deep
	exits 0 ec-heal -v --all --deep
	printf '%s\n' "$OUT" >three
	for i in one two; do
		wait "$(server_pid "$i")"
		server_forget "$i"
	done
	all_there
	whole
	# Each into quarantine once; a version that two heals made whole between
	# them is in no heal's list.
	[ "$(find d?/.ec/quarantine -type f | wc -l)" -eq "$n" ]
	[ "$(cat ./*.log three | grep -c '^healed	bucket/o')" -le 24 ]
}

# later DAYS command ...: it, by a clock that is so far ahead.
later()
{
	local days=$1

	shift
	env LD_PRELOAD="$EC_BIN/clock.so" EC_CLOCK_AHEAD=$((days * 86400)) \
	    ASAN_OPTIONS="verify_asan_link_order=0:$ASAN_OPTIONS" "$@"
}

# How many rows each drive has of what was deleted: tombstones.
tombstones()
{
	local d

	for d in d?; do
		sqlite3 "$d/.ec/index.db" "SELECT count(*) FROM version
		    WHERE key = CAST('gone' AS BLOB)" | tr '\n' ' '
	done
}

@test "a tombstone stays for a week, and as long as a drive has not got it" {
	need sqlite3
	drives_make
	put kept 1000
	put gone 300000
	rm data/gone
	cp -a d4 stale
	exits 0 ec-put --delete bucket/gone
	exits 0 ec-heal --all
	[ "$(tombstones)" = "1 1 1 1 " ]
	later 6 ec-heal --all
	[ "$(tombstones)" = "1 1 1 1 " ]
	rm -rf d4
	exits 3 later 8 ec-heal --all
	[ "$(tombstones)" = "1 1 1 " ]
	# The drive that comes back has the object still: it does not return.
	mv stale d4
	exits 5 ec-get bucket/gone
	exits 0 later 8 ec-heal --all
	exits 0 later 8 ec-heal --all
	[ "$(tombstones)" = "0 0 0 0 " ]
	exits 5 ec-get bucket/gone
	all_there
	exits 0 ec-scan --deep
}

# In a name space of its own, where anybody may mount.
@test "a forgotten mount is not taken for a new drive" {
	unshare -rm true 2>/dev/null || skip "no name spaces here"
	mkdir d1 d2 d3 d4
	cat >run <<-'EOF'
	set -eux
	for d in d1 d2 d3 d4; do mount -t tmpfs -o size=64M none $d; done
	ec-put --format --bucket bucket
	ec-put bucket/key <run
	umount d4
	status=0
	ec-heal 2>err || status=$?
	[ $status -eq 3 ]
	grep -q "d4: empty and no file system of its own" err
	[ -z "$(ls -A d4)" ]
	mount -t tmpfs -o size=64M none d4
	ec-heal
	ec-scan --deep
	ec-get bucket/key | cmp - run
	EOF
	export EC_VOLUMES="$DIR/d{1...4}"
	unshare -rm bash run
}

@test "--wait: done when a count over all drives agrees" {
	drives_make
	put_kinds
	replace d2 d3
	exits 0 ec-heal --wait
	[[ $OUT =~ ^census$'\t'([0-9]+)" of "([0-9]+)" versions on 4 drives	0" ]]
	[ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]
	whole
	# What no queue knows of is found by the count.
	rm "$(shard_of d1)"
	exits 0 ec-heal --wait --json
	[[ $OUT == *'"findings":1}'*'"findings":0}'* ]]
	whole
	exits 2 ec-heal --time 1
	exits 2 ec-heal --wait --dry-run
}

@test "status and its metrics: how much waits, and since when" {
	drives_make
	mv d3 away
	put waits 700000
	exits 3 ec-heal status
	[[ $OUT == *"1 version is not yet on all drives (68"*" KiB, the oldest since 20"* ]]
	exits 3 ec-heal status --json
	[[ $OUT == *'"heal_queue":1,"heal_queue_bytes":700000,'* ]]
	[[ $OUT == *'"sets_at_zero":0'* ]]
	exits 3 ec-scan --status --metrics prom
	grep -qx "ec_heal_queue_bytes 700000" prom
	grep -qx "ec_drives_away 1" prom
	mv d2 away2
	exits 8 ec-scan --status --metrics prom
	grep -qx "ec_sets_at_zero 1" prom
	mv away2 d2
	mv away d3
	exits 0 ec-heal wait
	[[ $OUT == census* ]]
	exits 0 ec-heal status
	[[ $OUT == *"state: ONLINE"* ]]
	exits 0 ec-scan --status --metrics prom
	grep -qx "ec_heal_queue 0" prom
	exits 2 ec-heal wait --dry-run
}

# The line of the first, and the last, key that begins with $1 in the file out.
first_of()
{
	grep -n "bucket/$1" out | head -n 1 | cut -d : -f 1
}

last_of()
{
	grep -n "bucket/$1" out | tail -n 1 | cut -d : -f 1
}

@test "what would be lost with one more drive is healed first" {
	local i

	drives_make 6
	mkdir many
	random_file many/1 600000
	for i in {2..70}; do
		ln many/1 "many/$i"
	done
	tar -C many --hard-dereference -c . | ec-put --extract bucket/a/
	find d1/shard -type f -delete
	find d2/shard -type f | sort >before
	ec-put --parity 2 bucket/z <many/1
	# Of each a one shard is gone, of z two.
	find d1/shard -type f -delete
	find d2/shard -type f | sort | comm -13 before - | xargs rm
	exits 3 ec-scan --repair
	[ "$(wc -l <<<"$OUT")" -eq 71 ]
	exits 0 ec-heal -v
	printf '%s\n' "$OUT" >out
	[ "$(grep -c ^healed out)" -eq 71 ]
	[ "$(last_of z)" -lt "$(first_of a)" ]
	exits 0 ec-scan
	# New drives: of each a, which has parity 3, one shard more is left.
	for i in 1 2 3; do
		ec-put --parity 2 "bucket/m$i" <many/1
	done
	replace d3 d4
	exits 0 ec-heal -v
	printf '%s\n' "$OUT" >out
	[ "$(grep -c "^healed.*bucket/" out)" -eq 74 ]
	# Each is counted once, though all are looked at twice.
	[ "$(sed -n 's/ looked at.*//p' <<<"$ERR")" -lt 80 ]
	[ "$(last_of '[mz]')" -lt "$(first_of a)" ]
	exits 0 ec-scan --deep
}
