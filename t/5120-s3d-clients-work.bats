# ec-s3d under programs that keep their data in S3: duplicity's backups, s3fs
# mounted; and what clients do besides: going on with an upload that was cut
# off, old versions.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	s3d_tree
}

@test "duplicity: full, incremental, verify, restore, remove" {
	need duplicity
	need_boto3
	s3d_start
	s3 -X PUT "$S3/bucket"
	local dup=(duplicity --archive-dir "$DIR/cache" --volsize 2
	    --no-encryption --no-print-statistics
	    --verbosity warning --s3-endpoint-url "$S3"
	    --s3-region-name us-east-1) at=boto3+s3://bucket/host
	mkdir cache
	truncate -s 5000000 tree/large
	"${dup[@]}" full tree "$at"
	cp -r tree first
	echo more >>tree/small
	rm tree/sub/medium
	tear_out d2
	"${dup[@]}" incremental tree "$at"
	"${dup[@]}" verify --compare-data "$at" tree
	"${dup[@]}" full tree "$at"
	"${dup[@]}" remove-all-but-n-full 1 --force "$at"
	"${dup[@]}" collection-status "$at" |
	    grep 'Number of contained backup sets: 1'
	# As on another machine, that has no cache.
	rm -r cache
	mkdir cache
	tear_out d4
	"${dup[@]}" restore "$at" back
	diff -r tree back
	exits 1 "${dup[@]}" verify --compare-data "$at" first
}

# s3fs_up: the bucket is at mnt.
s3fs_up()
{
	server_start s3fs s3fs bucket mnt -f -o "url=$S3" \
	    -o use_path_request_style -o passwd_file=passwd \
	    -o multipart_size=5 -o enable_noobj_cache
	server_ready s3fs 60 mountpoint mnt
}

@test "s3fs mounted" {
	need s3fs
	[ "$(id -u)" = 0 ] && [ -c /dev/fuse ] || skip "no FUSE here"
	s3d_start
	s3 -X PUT "$S3/bucket"
	(umask 077 && echo "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" >passwd)
	mkdir mnt
	s3fs_up
	cp -r tree mnt/tree
	diff -r tree mnt/tree
	tear_out d2
	echo more | tee -a tree/small >>mnt/tree/small
	mv mnt/tree/sub/medium mnt/moved
	rm mnt/tree/empty
	ln -s moved mnt/link
	chmod 640 mnt/moved
	truncate -s 21000000 tree/large mnt/tree/large
	server_stop s3fs
	s3fs_up
	mv tree/sub/medium moved
	rm tree/empty
	diff -r tree mnt/tree
	cmp moved mnt/link
	[ "$(stat -c %a mnt/moved)" = 640 ]
	s3 "$S3/bucket/tree/large" | cmp - tree/large
	rm -r mnt/*
	[ -z "$(ls mnt)" ]
	server_stop s3fs
	[ "$(s3 "$S3/bucket" | grep -c '<Key>' || true)" = 0 ]
}

# begun PART-BYTES PARTS: the first parts of tree/large as bucket/large, as
# somebody leaves them who is cut off; $UPLOAD.
begun()
{
	local i

	UPLOAD=$(aws s3api create-multipart-upload --bucket bucket \
	    --key large --query UploadId --output text)
	for ((i = 1; i <= $2; i++)); do
		tail -c "+$(($1 * (i - 1) + 1))" tree/large | head -c "$1" \
		    >part
		aws s3api upload-part --bucket bucket --key large \
		    --upload-id "$UPLOAD" --part-number "$i" --body part
	done
}

@test "s3cmd goes on with an upload" {
	need s3cmd aws
	s3d_start
	s3cmd_config 'use_https = False' 'multipart_chunk_size_mb = 5'
	aws s3 mb s3://bucket
	begun 5242880 3
	tear_out d2
	s3cmd -c s3cfg multipart s3://bucket | grep "$UPLOAD"
	s3cmd -c s3cfg -v put --continue-put tree/large s3://bucket/large \
	    >log 2>&1
	[ "$(grep -c 'skip' log)" = 3 ]
	s3cmd -c s3cfg -q get s3://bucket/large back
	cmp back tree/large
	[ "$(s3cmd -c s3cfg multipart s3://bucket | grep -c large || true)" = 0 ]
}

@test "rclone and old versions, parts left behind" {
	need rclone aws
	s3d_start
	rclone_config
	rclone mkdir ec:bucket
	rclone backend versioning ec:bucket Enabled
	begun 5242880 1
	rclone backend list-multipart-uploads ec:bucket | grep "$UPLOAD"
	rclone backend cleanup -o max-age=0s ec:bucket
	rclone backend list-multipart-uploads ec:bucket |
	    jq -e '.bucket | length == 0'
	rclone sync tree ec:bucket/tree
	echo more >>tree/small
	rclone sync tree ec:bucket/tree
	rclone delete ec:bucket/tree
	[ -z "$(rclone ls ec:bucket)" ]
	[ "$(rclone --s3-versions lsf -R --files-only ec:bucket | wc -l)" = 6 ]
	# The newest that is there is that before the markers.
	aws s3api list-object-versions --bucket bucket --output json |
	    jq -r '.DeleteMarkers[] | .Key + "\t" + .VersionId' >markers
	while IFS=$'\t' read -r key version; do
		aws s3api delete-object --bucket bucket --key "$key" \
		    --version-id "$version"
	done <markers
	rclone check --download tree ec:bucket/tree
	rclone backend cleanup-hidden ec:bucket
	[ "$(rclone --s3-versions lsf -R --files-only ec:bucket | wc -l)" = 5 ]
}
