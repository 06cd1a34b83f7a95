# ec-s3d while it serves one request, with every call on its drives failing in
# turn, and killed at each: what was acknowledged is whole afterwards, what was
# not is absent or complete, and nothing is left that no scan finds.
load lib/common.bash
load lib/store.bash
load lib/s3d.bash

setup()
{
	store_setup
	s3d_credentials
	free_port
	S3=http://127.0.0.1:$PORT
	curl_signed=(curl -sS -m 60 --fail --aws-sigv4 aws:amz:us-east-1:s3
	    -u "$EC_ROOT_USER:$EC_ROOT_PASSWORD"
	    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD')
}

# serve SPEC: the faults count while the file "when" exists.
serve()
{
	local preload=$EC_BIN/fault.so

	[ ! -e "$EC_BIN/fault-sanitized.so" ] ||
	    preload=$EC_BIN/fault-sanitized.so
	rm -f when .fault
	server_start s3d env LD_PRELOAD="$preload" EC_FAULT="$1" \
	    ASAN_OPTIONS="verify_asan_link_order=0:$ASAN_OPTIONS" \
	    EC_FAULT_WHEN="$DIR/when" EC_FAULT_LOG="$DIR/.fault" \
	    ec-s3d --address "127.0.0.1:$PORT" "$D"
	server_ready s3d 60 curl -sf "$S3/ec/health/ready"
}

# served SPEC: it was killed by the fault, or goes on and ends as it is told.
served()
{
	rm -f when
	if [[ $1 == kill@* ]] && grep -q '^met ' .fault; then
		wait "$(server_pid s3d)" || true
		server_forget s3d
	else
		server_stop s3d
	fi
}

put_over()
{
	"${curl_signed[@]}" -T other "$S3/box/large"
}

put_small()
{
	"${curl_signed[@]}" -T small "$S3/box/new"
}

delete()
{
	"${curl_signed[@]}" -X DELETE "$S3/box/large"
}

# An upload of one part, from its begin to its end.
upload()
{
	local id etag

	id=$("${curl_signed[@]}" -X POST "$S3/box/new?uploads=") || return 1
	id=${id#*<UploadId>}
	id=${id%%</UploadId>*}
	"${curl_signed[@]}" -D headers -T other \
	    "$S3/box/new?partNumber=1&uploadId=$id" || return 1
	etag=$(tr -d '\r' <headers | sed -n 's/^[Ee][Tt]ag: //p')
	"${curl_signed[@]}" -X POST "$S3/box/new?uploadId=$id" -d "
	    <CompleteMultipartUpload><Part><PartNumber>1</PartNumber>
	    <ETag>$etag</ETag></Part></CompleteMultipartUpload>" >answer &&
	    grep -q '<CompleteMultipartUploadResult' answer
}

# Bytes that are not right are worse than none.
get()
{
	"${curl_signed[@]}" "$S3/box/large" >got 2>/dev/null || return 1
	cmp got large
}

# check KEY OLD NEW: which it is now, by all readers.
check()
{
	local now want

	want=$(for f in "$2" "$3"; do [ "$f" = none ] || echo "$f"; done)
	# shellcheck disable=SC2086 # names of files
	now=$(agreed "$1" $want) || { echo "$now"; return 1; }
	acknowledged || [ "$now" = "$2" ] || [ "$now" = "$3" ] ||
	    [ "$now" = undecided ] || return 1
	! acknowledged || [ "$now" = "$3" ] || {
		echo "$1 is $now, acknowledged was $3"
		return 1
	}
	exits 0 ec-heal -d "$D" --all || return 1
	exits 0 ec-scan -d "$D" --deep || return 1
	ec-scan -d "$D" --litter-age 0 >findings || true
	! grep -v '^litter' findings
}

# loop SPEC KEY OLD NEW OPERATION: for n = 1, 2, ... until no fault is met; in a
# sample unless EC_FAULT_FULL is set.
loop()
{
	local n=1 spec growth=3 runs=0

	case $EC_BIN in
	*/plain) ;;
	*)	growth=10 ;;	# slow
	esac
	[ "${EC_FAULT_FULL:-0}" = 0 ] || growth=0
	while :; do
		spec=${1//:N/:$n}
		restore
		serve "$spec"
		STATUS=0
		touch when
		"$5" || STATUS=1
		served "$spec"
		check "$2" "$3" "$4" || {
			echo "after EC_FAULT=$spec in $5, status $STATUS"
			cat .fault
			tail -n 5 s3d.log
			return 1
		}
		grep -q '^met ' .fault || break
		runs=$((runs + 1))
		n=$((growth > 0 ? n * growth : n + 1))
	done
	echo "# $5: $1: $runs faults, met none at n = $n" >&3
}

each()
{
	local spec

	for spec in io:N kill@io:N own:N; do
		loop "$spec" "$@"
	done
}

@test "an object is overwritten" {
	each box/large large other put_over
}

@test "a small object is made" {
	each box/new none small put_small
}

@test "an object is deleted" {
	each box/large large none delete
}

@test "an upload in parts" {
	each box/new none other upload
}

@test "an object is read" {
	loop pread:N box/large large large get
}
