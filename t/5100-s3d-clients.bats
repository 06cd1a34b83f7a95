# ec-s3d with the clients that people have: each uploads, lists, reads ranges,
# syncs and deletes; what comes back is compared.  This file: aws, s3cmd.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	s3d_tree
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
	s3cmd_config 'use_https = False' 'multipart_chunk_size_mb = 5'
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
