# ec-s3d with the clients that people have: each uploads, lists, reads ranges,
# syncs and deletes; what comes back is compared.  This file: rclone, restic,
# curl, boto3.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	s3d_tree
}

@test "rclone" {
	need rclone
	s3d_start
	rclone_config 'upload_cutoff = 5M' 'chunk_size = 5M'
	rclone mkdir ec:bucket
	rclone sync tree ec:bucket/tree
	[ "$(rclone ls ec:bucket | wc -l)" = 5 ]
	tear_out d2
	rclone copyto ec:bucket/tree/large ec:bucket/copy
	rclone rcat ec:bucket/piped <tree/sub/medium
	rm tree/small
	rclone sync tree ec:bucket/tree
	[ "$(rclone ls ec:bucket/tree | wc -l)" = 4 ]
	rclone mkdir ec:other
	rclone copy tree/sub ec:other
	rclone purge ec:other
	tear_out d4
	rclone check --download tree ec:bucket/tree
	rclone sync ec:bucket/tree back
	diff -r tree back
	rclone cat --offset 21000000 --count 1000 ec:bucket/copy |
	    cmp - <(tail -c +21000001 tree/large | head -c 1000)
	rclone cat ec:bucket/piped | cmp - tree/sub/medium
	[ "$(rclone lsd ec: | wc -l)" = 1 ]
}

@test "restic makes and restores a backup" {
	need restic
	s3d_start
	export RESTIC_REPOSITORY=s3:$S3/backups/host RESTIC_PASSWORD=x
	export RESTIC_CACHE_DIR=$DIR/cache
	restic -q init
	restic -q backup tree
	echo more >>tree/small
	tear_out d2
	restic -q backup tree
	restic -q forget --keep-last 1 --prune
	tear_out d4
	restic -q check --no-lock --read-data
	restic -q --no-lock restore latest --target back
	diff -r tree back/tree
	[ "$(restic -q --no-lock snapshots --json | jq length)" = 1 ]
}

@test "curl" {
	s3d_start
	s3 -X PUT "$S3/bucket"
	for f in small large sub/medium empty; do
		s3 -T "tree/$f" "$S3/bucket/$f"
	done
	tear_out d2
	s3 -T tree/small "$S3/bucket/gone"
	s3 -X DELETE "$S3/bucket/gone"
	[ "$(s3 -o /dev/null -w '%{http_code}' "$S3/bucket/gone" || true)" = 404 ]
	tear_out d4
	for f in small large sub/medium empty; do
		s3 "$S3/bucket/$f" | cmp - "tree/$f"
	done
	[ "$(s3 -o /dev/null -w '%{http_code}' -T tree/small "$S3/bucket/no" ||
	    true)" = 503 ]
	s3 -r 1000-1999 "$S3/bucket/large" |
	    cmp - <(tail -c +1001 tree/large | head -c 1000)
	s3 -I "$S3/bucket/large" | grep -i '^content-length: 22000000'
	s3 "$S3/bucket?list-type=2&prefix=s&delimiter=/" |
	    grep '<CommonPrefixes><Prefix>sub/</Prefix></CommonPrefixes>'
}

@test "boto3, with a drive torn out" {
	need_boto3
	s3d_start
	tear_out d3
	/usr/bin/python3 "$ROOT/t/lib/s3_conformance.py" "$S3" object_sizes \
	    object_ranges list_paging multipart transfer_manager object_copy
}
