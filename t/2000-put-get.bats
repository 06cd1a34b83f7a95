#!/usr/bin/env bats
# ec-put and ec-get on drives without a server.

load lib/common.bash

drives()
{
	mkdir d1 d2 d3 d4
	export EC_VOLUMES="$DIR/d{1...4}"
	ec-put --format --bucket bkt
}

same()
{
	[ "$(sha256sum < "$1")" = "$(ec-get "bkt/$2" | sha256sum)" ]
}

@test "every size comes back, small ones and large ones" {
	drives
	head -c 3000000 /dev/urandom > all
	for size in 0 1 63 64 65 4096 131071 262143 262144 262145 524288 \
	    1048577 3000000; do
		head -c $size all > f
		ec-put "bkt/o$size" < f
		same f "o$size"
	done
	[ "$(ec-get -l bkt | wc -l)" = 13 ]
}

@test "an object is read with any two of four drives gone" {
	drives
	head -c 1500000 /dev/urandom > big
	echo hello > small
	ec-put bkt/big < big
	ec-put bkt/small < small
	for pair in "1 2" "1 3" "1 4" "2 3" "2 4" "3 4"; do
		for d in $pair; do mv "d$d" "away$d"; done
		same big big
		same small small
		for d in $pair; do mv "away$d" "d$d"; done
	done
}

@test "three of four drives gone: refused with 8 and the drives named" {
	drives
	echo hello | ec-put bkt/k
	mv d1 a1; mv d2 a2; mv d3 a3
	run ec-get bkt/k
	[ "$status" = 8 ]
	[[ "$output" == *quorum* || "$output" == *"too few"* ]]
}

@test "writes go on with one drive gone, and stop with two gone" {
	drives
	mv d1 a1
	echo one | exits 3 ec-put bkt/k
	[ "$(ec-get bkt/k)" = one ]
	mv d2 a2
	run ec-put bkt/k < /dev/null
	[ "$status" = 8 ]
	[ "$(ec-get bkt/k)" = one ]
	mv a1 d1
	mv a2 d2
	[ "$(ec-get bkt/k)" = one ]
}

@test "an overwrite is seen whole, a delete hides" {
	drives
	echo one | ec-put bkt/k
	echo two | ec-put bkt/k
	[ "$(ec-get bkt/k)" = two ]
	[ "$(ec-get -l bkt | wc -l)" = 1 ]
	ec-put -D -n bkt/k
	[ "$(ec-get bkt/k)" = two ]
	ec-put -D bkt/k
	run ec-get bkt/k
	[ "$status" = 5 ]
	[ -z "$(ec-get -l bkt)" ]
	ec-put -D bkt/k
}

@test "what was deleted while drives were away stays deleted" {
	drives
	echo one | ec-put bkt/k
	mv d1 a1
	exits 3 ec-put -D bkt/k
	mv a1 d1
	run ec-get bkt/k
	[ "$status" = 5 ]
	[ -z "$(ec-get -l bkt)" ]
}

@test "ranges: first-last, first-, -count; outside is usage" {
	drives
	head -c 700000 /dev/urandom > f
	ec-put bkt/f < f
	for r in 0-0 0-99 65535-65536 262143-262145 699999-699999 \
	    300000-600000 0-999999; do
		first=${r%-*} last=${r#*-}
		cmp <(ec-get -r "$r" bkt/f) \
		    <(tail -c +$((first + 1)) f | head -c $((last - first + 1)))
	done
	cmp <(ec-get -r 699990- bkt/f) <(tail -c 10 f)
	cmp <(ec-get -r -7 bkt/f) <(tail -c 7 f)
	run ec-get -r 700000- bkt/f
	[ "$status" = 2 ]
	run ec-get -r 5-1 bkt/f
	[ "$status" = 2 ]
}

@test "buckets: made once, removed when empty, unknown is 5" {
	drives
	run ec-put -b bkt
	[ "$status" = 6 ]
	ec-put -b other
	[ "$(ec-get -l | cut -f2)" = "bkt
other" ]
	echo x | ec-put other/k
	run ec-put -D other
	[ "$status" = 6 ]
	ec-put -D other/k
	ec-put -D other
	run ec-put other/k < /dev/null
	[ "$status" = 5 ]
	run ec-get other/k
	[ "$status" = 5 ]
	run ec-get -l other
	[ "$status" = 5 ]
}

@test "keys are data: foo, foo/, foo/bar, dots and odd bytes stand together" {
	drives
	for k in foo foo/ foo/bar .. ../../etc/passwd a//b ' ' 'é' $'t\tn\n'; do
		printf %s "$k" | ec-put "bkt/$k"
	done
	for k in foo foo/ foo/bar .. ../../etc/passwd a//b ' ' 'é' $'t\tn\n'; do
		[ "$(ec-get "bkt/$k"; echo .)" = "$k." ]
	done
	[ "$(ec-get -l -0 bkt | tr -dc '\0' | wc -c)" = 9 ]
	[ "$(ec-get -l --delimiter / bkt | grep -c '^-')" = 3 ]
	run ec-put bkt/$'\xff' < /dev/null
	[ "$status" = 2 ]
}

@test "stat and JSON say what is stored" {
	drives
	printf hello | ec-put -t text/plain -M colour=blue bkt/k
	ec-get -s bkt/k | grep -qx $'etag\t5d41402abc4b2a76b9719d911017c592'
	ec-get -s -j bkt/k | python3 -c '
import json, sys
o = json.load(sys.stdin)
assert o["size"] == 5 and o["data_shards"] == 2 and o["parity_shards"] == 2
assert o["meta"] == {"content-type": "text/plain", "x-amz-meta-colour": "blue"}
'
	ec-get -l -j bkt | python3 -c '
import json, sys
assert [json.loads(l)["key"] for l in sys.stdin] == ["k"]
'
}

@test "without --format nothing is made a drive; with files in it neither" {
	mkdir d1 d2
	export EC_VOLUMES="$DIR/d{1...2}"
	run ec-put -b bkt
	[ "$status" = 5 ]
	[ -z "$(ls -A d1)$(ls -A d2)" ]
	touch d2/mine
	run ec-put -F -b bkt
	[ "$status" != 0 ]
	[ ! -e d1/.ec ]
	[ "$(ls -A d2)" = mine ]
}

@test "drives of two deployments are not mixed" {
	drives
	mkdir e1 e2 e3 e4
	EC_VOLUMES="$DIR/e{1...4}" ec-put -F -b bkt
	echo one | ec-put bkt/k
	run ec-get -d "$DIR/d1" -d "$DIR/d2" -d "$DIR/e3" -d "$DIR/e4" bkt/k
	[ "$status" = 9 ]
	[[ "$output" == *"two deployments"* ]]
	mv d4 old; mv e4 d4
	[ "$(ec-get bkt/k 2>/dev/null)" = one ]
}

@test "drives may swap places: identity is the drive's, not the path's" {
	drives
	head -c 400000 /dev/urandom > f
	ec-put bkt/f < f
	mv d1 x; mv d3 d1; mv x d3
	same f f
	ec-put bkt/g < f
	same f g
}

@test "a damaged journal or shard file is found and read around" {
	drives
	head -c 900000 /dev/urandom > f
	ec-put bkt/f < f
	for shard in d1/shard/*/* d2/shard/*/*; do
		printf X | dd of="$shard" bs=1 seek=70000 conv=notrunc \
		    status=none
	done
	same f f
}

@test "index.db is only an index" {
	drives
	echo one | ec-put bkt/k
	rm -f d?/.ec/index.db*
	[ "$(ec-get bkt/k)" = one ]
	echo two | ec-put bkt/k
	for d in d1 d2 d3 d4; do head -c 9000 /dev/urandom > $d/.ec/index.db; done
	[ "$(ec-get bkt/k)" = two ]
}

@test "archives go in and come out; names that lead out are refused" {
	drives
	mkdir -p tree/sub
	echo a > tree/a; echo b > tree/sub/b; : > tree/empty
	ln -s a tree/link
	tar c -C tree . | ec-put -x bkt/t/
	[ "$(ec-get -l bkt | cut -f3)" = "t/a
t/empty
t/sub/b" ]
	for f in tar tar.gz; do
		rm -rf out; mkdir out
		ec-get -a $f bkt/t/ > out.$f
		tar xf out.$f -C out
		diff -r --exclude link tree out/t
	done
	rm -rf out; mkdir out
	ec-get -a zip bkt/t/ > out.zip
	python3 -m zipfile -e out.zip out
	diff -r --exclude link tree out/t
	for f in tar.zst tar.xz cpio; do
		ec-get -a $f bkt/t/ | ec-put -x "bkt/$f/"
		[ "$(ec-get "bkt/$f/t/sub/b")" = b ]
	done
	tar cf evil.tar -P --transform 's,tree/a,../up,' tree/a tree/sub/b
	run ec-put -x bkt/e/ < evil.tar
	[ "$status" = 2 ]
	[[ "$output" == *refused* ]]
	[ "$(ec-get -l bkt/e | cut -f3)" = e/tree/sub/b ]
}

@test "misuse is 2 with one line" {
	drives
	for args in "-b bkt/k" "bkt" "-D -b bkt" "-n bkt/k" "A/k" "-m 9 bkt/k"; do
		# shellcheck disable=SC2086
		run ec-put $args < /dev/null
		[ "$status" = 2 ]
	done
	run ec-put -d relative bkt/k < /dev/null
	[ "$status" = 2 ]
	run ec-get -l -s bkt
	[ "$status" = 2 ]
}

@test "two tools at once take turns" {
	drives
	for i in 1 2 3 4 5 6; do
		echo "$i" | ec-put "bkt/k$i" &
	done
	wait
	[ "$(ec-get -l bkt | wc -l)" = 6 ]
}

@test "tools in a pipe share the drives, whoever came first" {
	drives
	head -c 2000000 /dev/urandom > f
	ec-put bkt/a < f
	ec-get bkt/a | ec-put bkt/b
	same f b
	# exec: else the shell between holds the pipe open until ec-put ends
	ec-get bkt/b | tee >(exec ec-put bkt/c) | ec-put bkt/d
	for _ in $(seq 100); do
		[ "$(ec-get -l bkt | wc -l)" = 4 ] && break
		sleep 0.1
	done
	same f c
	same f d
	for i in 1 2 3 4 5 6 7 8; do
		ec-get bkt/a | ec-put "bkt/x$i" &
	done
	wait
	for i in 1 2 3 4 5 6 7 8; do same f "x$i"; done
}

@test "a drive that misses a write: status 3, and its name" {
	drives
	random_file small 1000 1
	random_file large 900000 2
	mv d2 away
	exits 3 ec-put bkt/small <small
	[[ $ERR == *"bkt/small: done, but only on 3 of 4 drives: "* ]]
	[[ $ERR == *"/d2: drive is offline"* && $ERR != */d1:* ]]
	exits 3 ec-put bkt/large <large
	[[ $ERR == *"/d2: drive is offline"* ]]
	exits 3 ec-put --delete bkt/small
	exits 3 ec-put --bucket other
	tar c large >all.tar
	exits 3 ec-put --extract bkt/all/ <all.tar
	[[ $ERR == *"bkt/all/: 1 of 1 objects are not on all drives"* ]]
	rm -rf d2
	mv away d2
	exits 0 ec-heal
	exits 0 ec-put bkt/small <small
	[ -z "$ERR" ]
}

@test "--parity, --type and --meta hold for each file of an archive" {
	drives
	mkdir in
	random_file in/a 900000 1
	random_file in/b 1000 2
	tar c -C in a b >all.tar
	exits 0 ec-put --parity 1 --extract bkt/one/ <all.tar
	exits 0 ec-put --extract bkt/two/ <all.tar
	for f in a b; do
		ec-get -sj "bkt/one/$f" | grep -q '"parity_shards":1[,}]'
		ec-get -sj "bkt/two/$f" | grep -q '"parity_shards":2[,}]'
	done
	exits 0 ec-put --type text/x --meta a=1 --extract bkt/meta/ <all.tar
	for f in a b; do
		ec-get -s "bkt/meta/$f" >stat
		grep -q text/x stat
		grep -q 'x-amz-meta-a' stat
	done
	exits 2 ec-put --meta A=1 --extract bkt/meta/ <all.tar
	same in/a one/a
	exits 2 ec-put --parity 3 --extract bkt/more/ <all.tar
}
