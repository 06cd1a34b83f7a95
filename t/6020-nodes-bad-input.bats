#!/usr/bin/env bats
# What a server cannot start on: one line, status 2 or 9, nothing formatted.
load lib/common
load lib/s3d
load lib/nodes

setup()
{
	common_setup
	s3d_setup
	free_port
	AT=127.0.0.1:$PORT
	URL=http://$AT$DIR
}

# refused STATUS TEXT argument ...: ec-s3d ends so, and leaves no trace.
refused()
{
	local status=$1 want=$2

	shift 2
	exits "$status" timeout 60 ec-s3d "$@"
	if [[ $ERR != *$want* ]] || [ "$(wc -l <<<"$ERR")" -ne 1 ]; then
		echo "wanted one line with '$want': $ERR"
		return 1
	fi
	[ -z "$(find "$DIR" -name .ec)" ]
}

# mounted: run the script on standard input, with refused, where it may mount.
mounted()
{
	cat >script
	unshare -rm true 2>/dev/null || skip "no name spaces here"
	export -f refused exits
	export AT URL
	unshare -rm bash -e script </dev/null
}

@test "patterns, pools, names" {
	refused 2 "not a pattern" "$URL/d{1..4}"
	refused 2 "not a pattern" "$URL/d{4...1}"
	refused 2 "not a pattern" "$URL/d{1...4"
	refused 2 "not a pattern" "$URL/d}1{"
	refused 2 "is not http://node:port/path" "http://:9000/d{1...4}"
	refused 2 "is not http://node:port/path" "http://n{1...4}:9000"
	refused 2 "an absolute path or http" "d{1...4}"
	refused 2 "an absolute path or http" "ftp://n1/d{1...4}"
	refused 2 "no drives named" ,
	refused 2 "17 drives cannot be divided" "$URL/d{1...17}"
	refused 2 "19 drives cannot be divided" "$URL/d{1...4}" "$URL/e{1...19}"
	refused 2 "each word has a pattern" "$URL/d{1...3}" "$URL/d4" \
	    "$URL/e{1...4}"
	refused 2 "no-such-host.invalid:9000" \
	    "http://no-such-host.invalid:9000/d{1...4}"
	refused 2 "no node is this machine" "http://192.0.2.1:9000/d{1...4}"
}

@test "one directory under two names" {
	ln -s d1 d5
	refused 2 "named twice" "$URL/d1,$URL/d{1...4}"
	refused 2 "/d1 and $AT$DIR/d5 are the same directory" "$URL/d{1...5}"
	refused 2 "are the same directory" "$DIR/d{1...5}"
	refused 2 "are the same directory" "$DIR/d{1...3},$DIR/../${DIR##*/}/d3"
}

@test "drives that are not there, not empty, no directories" {
	refused 2 "/d5: drive is offline; for a first start" "$URL/d{1...5}"
	: >d5
	refused 2 "/d5: drive is offline" "$DIR/d{1...5}"
	echo mine >d4/file
	refused 2 "/d4: not empty; for a first start" "$URL/d{1...4}"
	refused 2 "/d4: not empty" "$DIR/d{1...4}"
	[ "$(cat d4/file)" = mine ]
}

@test "a port in use, of a node and of a machine without nodes" {
	mkdir taken
	server_start taken ec-s3d --address "$AT" "$DIR/taken"
	server_ready taken 60 curl -sf "http://$AT/ec/health/ready"
	refused()
	{
		exits 9 timeout 60 ec-s3d "${@:3}"
		[[ $ERR == *"$AT: in use" ]]
		[ "$(wc -l <<<"$ERR")" -eq 1 ]
		[ -z "$(find d? -name .ec)" ]
	}
	refused 9 "in use" "$URL/d{1...4}"
	refused 9 "in use" --address "$AT" "$DIR/d{1...4}"
}

@test "a read-only drive and a full one, at the first start and later" {
	need jq
	mounted <<-'END'
	for i in 1 2 3 4; do mount -t tmpfs -o size=64M none d$i; done
	mount -o remount,ro d3
	refused 9 "/d3: read-only; for a first start" "$URL/d{1...4}"
	refused 9 "/d3: read-only" "$DIR/d{1...4}"
	mount -o remount,rw d3
	head -c 60M /dev/zero >d2/lost+found
	refused 9 "/d2: no space left; for a first start" "$URL/d{1...4}"
	refused 9 "/d2: no space left" "$DIR/d{1...4}"
	rm d2/lost+found
	export EC_VOLUMES=$DIR/d{1...4}
	ec-put -F -b box
	head -c 3M /dev/urandom >f
	ec-put box/f <f
	# Later one of each kind is no reason not to start.
	mount -o remount,ro d3
	dd if=/dev/zero of=d2/lost+found bs=64k 2>/dev/null || true
	ec-s3d -a "$AT" >log 2>&1 &
	end=$((SECONDS + 60))
	until curl -sf "http://$AT/ec/health/ready"; do
		[ $SECONDS -lt $end ] || { cat log; exit 1; }
		sleep 0.1
	done
	ec-get box/f | cmp - f
	kill %1
	wait %1 || { cat log; exit 1; }
	mount -o remount,rw d3
	rm d2/lost+found
	ec-put box/g <f
	ec-heal -q
	ec-scan -q --deep
	ec-get box/f | cmp - f
	END
}

@test "a disk that is not mounted, beside others that are" {
	root=$(mktemp -d /var/tmp/ec-test.XXXXXX)
	ln -s "$root" d5
	if [ "$(stat -c %d /)" != "$(stat -Lc %d d5)" ]; then
		rmdir "$root"
		skip "/var/tmp is not on the root file system"
	fi
	mounted <<-'END'
	for i in 1 2 3 4; do mount -t tmpfs -o size=64M none d$i; done
	refused 2 "/d5: is on the root file system" "$URL/d{1...5}"
	refused 2 "/d5: is on the root file system" "$DIR/d{1...5}"
	END
	rmdir "$root"
}
