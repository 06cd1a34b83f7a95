# ec-pool: what one pool has is moved to another, and nothing else changes.
load lib/common
load lib/drives
load lib/nodes
load lib/s3d

# A second pool, of $1 drives, e1 to eN.
pool_add()
{
	local i

	for ((i = 1; i <= $1; i++)); do
		mkdir "$DIR/e$i"
	done
	POOL0=$EC_VOLUMES
	POOL1="$DIR/e{1...$1}"
	export EC_VOLUMES="$POOL0 $POOL1"
	ec-put --format
}

populate()
{
	put empty 0
	put one 1
	put small 4000 2
	put sub/small 4001 3
	put large 3000001 4
	put over 100 1
	put over 900000 5
	put deleted 500000
	ec-put --delete bucket/deleted
	rm data/deleted
	put low 700000 6
	ec-put --parity 1 bucket/low <data/low
}

listing()
{
	ec-get --list --versions --json bucket/
}

@test "2+2 to 8+4: the same objects, then whole and without the old drives" {
	drives_make 4
	populate
	listing | jq -c 'del(.data, .parity, .k, .m)' >before
	pool_add 12
	exits 0 ec-pool
	[[ $OUT == *"pool 0: active, 4 drives, 1 set of 2+2, 7 versions of 4.4 MiB, "* ]]
	[[ $OUT == *"pool 1: active, 12 drives, 1 set of 8+4, 0 versions of 0 B, "* ]]
	exits 0 ec-pool drain 0 --dry-run
	[[ $OUT == "to move	7 keys, 7 versions, "*"; 0 left, 0 uploads" ]]
	exits 0 ec-pool drain 0
	[[ $OUT == "moved	7 keys, 7 versions, "*"; 0 left, 0 uploads" ]]
	all_there
	listing | jq -c 'del(.data, .parity, .k, .m)' | diff before -
	exits 0 ec-pool --json
	[ "$(jq -c '[.pool, .state, .versions, .data, .parity]' <<<"$OUT")" = \
	    $'[0,"drained",0,2,2]\n[1,"active",7,8,4]' ]
	exits 0 ec-scan --deep
	[ -z "$(find d? -path '*/shard/*' -type f)" ]
	# Nothing goes back there.
	put new 100
	exits 0 ec-pool --json
	[ "$(jq -c 'select(.pool == 0).versions' <<<"$OUT")" = 0 ]
	# Four of the twelve may go, and one of the object with less parity.
	rm -rf e1
	all_there
	rm -rf e2 e3 e4
	ec-get bucket/large | cmp - data/large
}

@test "one drive to four" {
	drives_make 1
	put small 4000 2
	put large 3000001 4
	pool_add 4
	exits 0 ec-pool drain 0
	rm -rf e1 e2
	all_there
}

@test "what cannot be read stays, and is named; the only pool cannot be drained" {
	local f

	drives_make 4
	put good 4000
	put bad 3000001 4
	pool_add 4
	find d1 d2 d3 -path '*/shard/*' -type f | while read -r f; do
		printf x | dd of="$f" bs=1 seek=5000 conv=notrunc status=none
	done
	exits 3 ec-pool drain 0
	[[ $OUT == *$'left\tbucket/bad\t'* ]]
	[[ $OUT == *"moved	1 keys, 1 versions,"*"; 1 left, 0 uploads" ]]
	[ "$(find d? -path '*/shard/*' -type f | wc -l)" -eq 4 ]
	ec-get bucket/good | cmp - data/good
	exits 6 ec-pool drain 1
	[[ $ERR == *"no other pool takes its objects" ]]
	exits 0 ec-pool cancel 0
	exits 5 ec-pool cancel 7
	exits 2 ec-pool drain
	exits 0 ec-pool
	[[ $OUT == *"pool 0: active, "*" 1 version of 2.9 MiB, "* ]]
}

@test "a drained pool is left out, and one that was not is missed" {
	drives_make 4
	put one 4000
	pool_add 4
	put two 300000
	for pool in "$POOL0" "$POOL1"; do
		exits 9 ec-get -d "$pool" bucket/one
		[[ $ERR == *"is not among the drives, and was not drained" ]]
	done
	EC_VOLUMES="$POOL0 $POOL1"
	exits 0 ec-pool drain 0
	rm -rf d?
	EC_VOLUMES=$POOL1
	all_there
	put three 100
	exits 0 ec-heal --all
	exits 0 ec-scan --deep
	exits 0 ec-pool
	[[ $OUT == "pool 1: active, "*" 3 versions "* ]]
	# Its place on the line is another's, its number not.
	mkdir d1 d2
	export EC_VOLUMES="$DIR/d{1...2} $POOL1"
	ec-put --format
	all_there
	[ "$(ec-get --list)" ]
	exits 0 ec-pool drain 1
	all_there
	exits 0 ec-pool
	[[ $OUT == "pool 2: active, "*" 3 versions "*"pool 1: drained, "* ]]
	rm -r e?
	EC_VOLUMES="$DIR/d{1...2}"
	all_there
}

# How many versions a pool has.
versions()
{
	ec-pool --json | jq "select(.pool == $1).versions"
}

@test "rebalance: half goes to a new pool, and a drained one gets some back" {
	local i

	drives_make 4
	for i in {1..24}; do
		put "k$i" 200000 "$i"
	done
	pool_add 4
	exits 0 ec-pool rebalance --dry-run
	[[ $OUT == "to move	12 keys, "* ]]
	exits 0 ec-pool rebalance
	[[ $OUT == "moved	12 keys, "* ]]
	[ "$(versions 0) $(versions 1)" = "12 12" ]
	all_there
	exits 0 ec-pool rebalance
	[[ $OUT == "moved	0 keys, "* ]]
	exits 0 ec-pool drain 0
	exits 0 ec-pool cancel 0
	exits 0 ec-pool rebalance --percent 1
	[ "$(versions 0) $(versions 1)" = "12 12" ]
	all_there
	exits 0 ec-scan --deep
}

# All keys of the buckets given, each with its MD5.
sums()
{
	local b

	for b; do
		ec-get --list "$b/" | cut -f 4 | while read -r key; do
			echo "$key $(ec-get "$key" | md5sum)"
		done
	done
}

# Those that a client began and never ended.
abort_uploads()
{
	s3 "$S3/$1?uploads" >uploads.xml
	grep -oE '<Upload>.*' uploads.xml | sed 's/<Upload>/\n/g' |
	    sed -nE 's,.*<Key>(.*)</Key>.*<UploadId>(.*)</UploadId>.*,\1 \2,p' |
	    while read -r key id; do
		s3 -X DELETE "$S3/$1/$key?uploadId=$id"
	done
}

# slowly: pass on the first MiB, and the rest when big has been moved.
slowly()
{
	head -c 1048576
	eventually grep -q '^moved.box/big' pool.log
	cat
}

@test "eight clients write and read while ec-pool is killed and run again" {
	local n status=0

	need_boto3
	need aws
	s3d_setup
	s3d_start
	s3 -X PUT "$S3/box"
	random_file big 22000000
	aws s3 cp --quiet big s3://box/big
	server_stop s3d
	mkdir e1 e2 e3 e4
	s3d_start "$DIR/e{1...4}"
	: >pool.log
	s3 "$S3/box/big" 2>slow.err 3>&- | slowly 3>&- | md5sum >slow.sum &
	slow=$!
	export EC_VOLUMES="$DIR/e{1...4} $DIR/d{1...4}"
	/usr/bin/python3 "$ROOT/t/lib/s3_hammer.py" "$S3" 7 >hammer.log \
	    2>&1 3>&- &
	hammer=$!
	eventually grep -q seed hammer.log
	sleep 2		# something to move
	for n in 1.0 1.2 1.4; do
		timeout -s KILL $n ec-pool drain 0 -v >>pool.log 2>&1 || true
	done
	timeout -s KILL 60 ec-pool drain 0 -v >>pool.log 2>&1 || status=$?
	wait $slow
	md5sum <big | diff - slow.sum
	wait $hammer || { cat hammer.log; false; }
	cat hammer.log pool.log
	[ $status -eq 0 ] || [ $status -eq 3 ]
	grep -q '^moved.hammer/' pool.log
	abort_uploads hammer
	sums hammer box >before
	exits 0 ec-pool drain 0
	sums hammer box | diff before -
	exits 0 ec-scan --deep
	server_stop s3d
	rm -r d?
	EC_VOLUMES="$DIR/e{1...4}"
	sums hammer box | diff before -
}

# upload_begin KEY FILE: an upload with that part; $ID and $ETAG are its.
upload_begin()
{
	ID=$(s3 -X POST "$S3/box/$1?uploads" |
	    grep -o '<UploadId>[^<]*' | cut -d '>' -f 2)
	ETAG=$(s3 -D - -T "$2" "$S3/box/$1?partNumber=1&uploadId=$ID" |
	    tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')
}

@test "an upload that is not finished stays, is named, and can be finished" {
	local part

	s3d_setup
	s3d_start
	s3 -X PUT "$S3/box"
	random_file file 6000000
	s3 -T file "$S3/box/object"
	upload_begin aborted file
	aborted=$ID
	upload_begin finished file
	server_stop s3d
	mkdir e1 e2 e3 e4
	s3d_start "$DIR/e{1...4}"
	export EC_VOLUMES="$DIR/e{1...4} $DIR/d{1...4}"
	exits 3 ec-pool drain 0
	[[ $OUT == *$'upload\tbox/aborted\t'*" not finished"* ]]
	[[ $OUT == *$'upload\tbox/finished\t'*" not finished"* ]]
	[[ $OUT == *"moved	1 keys, 1 versions, "*"; 0 left, 2 uploads" ]]
	exits 3 ec-pool drain 0 --json
	[ "$(jq -c 'select(.type == "upload") | [.key, .moved]' <<<"$OUT")" = \
	    $'["aborted",false]\n["finished",false]' ]
	[ "$(jq 'select(.type == "summary").uploads' <<<"$OUT")" -eq 2 ]
	[ "$(ec-pool --json | jq -r 'select(.pool == 0).state')" = draining ]
	# It goes on where it is, its parts too, and is then moved as any other.
	s3 -T file "$S3/box/finished?partNumber=2&uploadId=$ID"
	part="<Part><PartNumber>1</PartNumber><ETag>$ETAG</ETag></Part>"
	s3 -X POST "$S3/box/finished?uploadId=$ID" \
	    -d "<CompleteMultipartUpload>$part</CompleteMultipartUpload>"
	s3 "$S3/box/finished" | cmp - file
	s3 -X DELETE "$S3/box/aborted?uploadId=$aborted"
	exits 0 ec-pool drain 0
	[[ $OUT == *"; 0 left, 0 uploads" ]]
	[ "$(ec-pool --json | jq -r 'select(.pool == 0).state')" = drained ]
	server_stop s3d
	rm -r d?
	EC_VOLUMES="$DIR/e{1...4}"
	ec-get box/finished | cmp - file
	ec-get box/object | cmp - file
	exits 0 ec-scan --deep
}

# node_reads N: read all through node N, again and again, until there is a file
# "enough".  A line for each time in reads.N; what is not as it was written, or
# not there, in wrong.N.  That it is to be asked for again is no contradiction.
node_reads()
{
	local key code

	while [ ! -e enough ] && [ -d "$DIR" ]; do
		for key in small{1..3} large{1..3}; do
			code=$(node_s3 "$1" -o "got.$1" -w '%{http_code}' \
			    "/box/$key" || true)
			case $code in
			200)	cmp -s "got.$1" "${key%?}" ;;
			*)	[[ $code = *50[03] || $code = 000 ]] ;;
			esac || echo "$key: $code" >>"wrong.$1"
		done
		echo all >>"reads.$1"
	done
}

@test "on three nodes: twelve drives are drained to six others, and read" {
	local first i n reader=()

	nodes_setup 3 4
	nodes_start
	random_file small 4000 1
	random_file large 5000000 2
	node_s3 1 -X PUT /box
	for i in 1 2 3; do
		node_s3 "$i" -T small "/box/small$i"
		node_s3 "$i" -T large "/box/large$i"
	done
	for n in 1 2 3; do
		server_stop "node$n"
		mkdir "n$n/e1" "n$n/e2"
	done
	first=$NODES_LINE
	NODES_LINE=${first//\/d{1...4\}/\/e{1...2\}}
	for n in 1 2 3; do node_start "$n" "$first"; done
	for n in 1 2 3; do node_ready "$n"; done
	for n in 1 2 3; do eventually node_sees "$n" "18 online"; done
	export EC_VOLUMES="$first $NODES_LINE"
	for n in 1 2 3; do
		node_reads "$n" 3>&- &
		reader+=($!)
	done
	for n in 1 2 3; do eventually test -s "reads.$n"; done
	exits 0 ec-pool drain 0
	[[ $OUT == *"moved	6 keys, 6 versions, "*"; 0 left, 0 uploads" ]]
	for n in 1 2 3; do rm "reads.$n"; done
	for n in 1 2 3; do eventually test -s "reads.$n"; done
	touch enough
	wait "${reader[@]}"
	for n in 1 2 3; do
		[ ! -e "wrong.$n" ] || { cat "wrong.$n"; false; }
	done
	for n in 1 2 3; do
		node_s3 "$n" "/box/small$n" | cmp - small
		node_s3 "$n" "/box/large$((n % 3 + 1))" | cmp - large
	done
	for n in 1 2 3; do server_stop "node$n"; done
	rm -r n?/d?
	nodes_start
	for n in 1 2 3; do
		node_s3 "$n" "/box/small$((n % 3 + 1))" | cmp - small
		node_s3 "$n" "/box/large$n" | cmp - large
	done
	[ "$(node_s3 2 "/box?list-type=2" | grep -o '<KeyCount>[0-9]*')" = \
	    "<KeyCount>6" ]
}
