# ec-s3d with the clients that people have: each uploads, lists, reads ranges,
# syncs and deletes; what comes back is compared.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	mkdir tree tree/sub "tree/sub dir"
	random_file tree/small 1000 1
	random_file tree/sub/medium 300000 2
	random_file "tree/sub dir/ä ö+&.bin" 70000 3
	: >tree/empty
	random_file tree/large 22000000 4
}

# Of four drives (2+2) writes need three and reads two.
tear_out()
{
	rm -rf "$@"
}

@test "aws" {
	need aws
	s3d_start
	aws s3 mb s3://bucket
	aws s3 sync --only-show-errors tree s3://bucket/tree
	aws s3 ls --recursive s3://bucket | grep -c . | grep -x 5
	tear_out d2
	aws s3 cp --only-show-errors s3://bucket/tree/large s3://bucket/copy
	head -c 9000000 tree/large |
	    aws s3 cp --only-show-errors - s3://bucket/piped
	aws s3 mb s3://other
	aws s3 cp --only-show-errors tree/small s3://other/x
	aws s3 rm --only-show-errors --recursive s3://other
	aws s3 rb s3://other
	tear_out d4
	aws s3 sync --only-show-errors s3://bucket/tree back
	diff -r tree back
	aws s3api get-object --bucket bucket --key tree/large \
	    --range bytes=8000000-8999999 part
	cmp part <(tail -c +8000001 tree/large | head -c 1000000)
	aws s3 cp --only-show-errors s3://bucket/copy - | cmp - tree/large
	aws s3 cp --only-show-errors s3://bucket/piped - |
	    cmp - <(head -c 9000000 tree/large)
	printf '[default]\ns3 =\n  signature_version = s3v4\n' >config
	url=$(AWS_CONFIG_FILE=config aws s3 presign s3://bucket/tree/small)
	curl -sf "$url" | cmp - tree/small
	[ "$(aws s3 ls | awk '{ print $3 }')" = bucket ]
}

@test "s3cmd" {
	need s3cmd
	s3d_start
	cat >s3cfg <<-END
	[default]
	access_key = $AWS_ACCESS_KEY_ID
	secret_key = $AWS_SECRET_ACCESS_KEY
	host_base = 127.0.0.1:$PORT
	host_bucket = 127.0.0.1:$PORT
	use_https = False
	multipart_chunk_size_mb = 5
	END
	s3="s3cmd -c s3cfg -q"
	$s3 mb s3://bucket
	$s3 sync tree/ s3://bucket/tree/
	[ "$(s3cmd -c s3cfg ls -r s3://bucket | wc -l)" = 5 ]
	tear_out d2
	$s3 cp s3://bucket/tree/large s3://bucket/copy
	$s3 mv s3://bucket/copy s3://bucket/moved
	$s3 mb s3://other
	$s3 put tree/small s3://other/a/b
	$s3 del -r -f s3://other/a
	$s3 rb s3://other
	tear_out d4
	mkdir back
	$s3 sync s3://bucket/tree/ back/
	diff -r tree back
	s3cmd -c s3cfg info s3://bucket/moved | grep 22000000
	$s3 get s3://bucket/moved moved
	cmp moved tree/large
}

@test "rclone" {
	need rclone
	s3d_start
	export RCLONE_CONFIG=$DIR/rclone.conf
	cat >rclone.conf <<-END
	[ec]
	type = s3
	provider = Other
	endpoint = $S3
	access_key_id = $AWS_ACCESS_KEY_ID
	secret_access_key = $AWS_SECRET_ACCESS_KEY
	region = us-east-1
	upload_cutoff = 5M
	chunk_size = 5M
	END
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
	[ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import boto3' ||
	    need python3-boto3
	s3d_start
	tear_out d3
	/usr/bin/python3 "$ROOT/t/lib/s3_conformance.py" "$S3" object_sizes \
	    object_ranges list_paging multipart transfer_manager object_copy
}
