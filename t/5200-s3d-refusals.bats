# ec-s3d: what must be refused is refused, and nothing of it is stored.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
}

@test "requests that no client library would send" {
	s3d_start
	python3 "$ROOT/t/lib/s3_raw.py" "127.0.0.1:$PORT"
}

@test "refused bodies leave no shard files" {
	s3d_start
	s3 -X PUT "$S3/bucket"
	random_file f 3000000
	before=$(find d? -type f -path '*/shard/*' | wc -l)
	for key in a b c; do
		exits 22 s3 -H "x-amz-checksum-crc32: AAAAAA==" -T f \
		    "$S3/bucket/$key"
	done
	[ "$(find d? -type f -path '*/shard/*' | wc -l)" = "$before" ]
}

@test "a client that stops reading does not stop others" {
	s3d_start
	s3 -X PUT "$S3/bucket"
	random_file f 30000000
	s3 -T f "$S3/bucket/f"
	"${S3_CURL[@]}" --limit-rate 1000 "$S3/bucket/f" >slow 2>&1 3>&- &
	slow=$!
	s3 "$S3/bucket/f" | cmp - f
	s3 "$S3/bucket/f" | cmp - f
	kill $slow
	wait $slow || true
}

@test "damage beyond parity cuts the answer, never shortens it" {
	s3d_start
	s3 -X PUT "$S3/bucket"
	random_file f 5000000
	s3 -T f "$S3/bucket/f"
	server_stop s3d
	# The last third of every drive's shard.
	find d? -type f -path '*/shard/*' >files
	while read -r file; do
		size=$(stat -c %s "$file")
		dd if=/dev/urandom of="$file" bs=1 count=1000 conv=notrunc \
		    seek=$((size * 2 / 3)) 2>/dev/null
	done <files
	s3d_start
	status=0
	s3 -o got "$S3/bucket/f" || status=$?
	[ $status -ne 0 ]
	[ "$(stat -c %s got 2>/dev/null || echo 0)" -lt 5000000 ]
}
