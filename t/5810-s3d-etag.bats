# --etag: the MD5, or what costs nothing and no client takes for one.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	head -c 3000000 /dev/urandom >large
	head -c 6000000 /dev/urandom >part
	echo small >small
	: >empty
}

etag()
{
	aws s3api head-object --bucket box --key "$1" --query ETag \
	    --output text | tr -d '"'
}

@test "md5 unless asked otherwise" {
	s3d_start
	aws s3 mb s3://box
	aws s3api put-object --bucket box --key large --body large
	[ "$(etag large)" = "$(md5sum <large | cut -c 1-32)" ]
}

@test "fast: of its own kind, unlike for equal bytes" {
	local of=
	s3d_start --etag fast
	aws s3 mb s3://box
	for f in large small; do
		aws s3api put-object --bucket box --key $f --body $f
		of=$(etag $f)
		[[ $of =~ ^[0-9a-f]{32}-1$ ]]
		aws s3api put-object --bucket box --key again --body $f
		[ "$of" != "$(etag again)" ]
		aws s3 cp s3://box/$f got
		cmp $f got
	done
	aws s3api put-object --bucket box --key empty --body empty
	[ "$(etag empty)" = d41d8cd98f00b204e9800998ecf8427e ]
	# What the client says of the bytes still must hold.
	run aws s3api put-object --bucket box --key bad --body large \
	    --content-md5 AAAAAAAAAAAAAAAAAAAAAA==
	[ "$status" -ne 0 ]
	[[ $output = *BadDigest* ]]
}

@test "fast: parts, copies, scan" {
	local id one two
	s3d_start --etag fast
	aws s3 mb s3://box
	id=$(aws s3api create-multipart-upload --bucket box --key up \
	    --query UploadId --output text)
	one=$(aws s3api upload-part --bucket box --key up --upload-id "$id" \
	    --part-number 1 --body part --query ETag --output text)
	two=$(aws s3api upload-part --bucket box --key up --upload-id "$id" \
	    --part-number 2 --body small --query ETag --output text)
	aws s3api complete-multipart-upload --bucket box --key up \
	    --upload-id "$id" --multipart-upload "{\"Parts\": [
	    {\"PartNumber\": 1, \"ETag\": $(jq -n --arg e "$one" '$e')},
	    {\"PartNumber\": 2, \"ETag\": $(jq -n --arg e "$two" '$e')}]}"
	[[ $(etag up) =~ ^[0-9a-f]{32}-2$ ]]
	aws s3 cp s3://box/up got
	cat part small | cmp - got
	aws s3api copy-object --bucket box --key copy --copy-source box/up
	[[ $(etag copy) =~ ^[0-9a-f]{32}-1$ ]]
	EC_VOLUMES="$DIR/d{1...4}" run ec-scan --deep
	[ "$status" -eq 0 ]
}

@test "no other word" {
	run ec-s3d --etag sha1 d1
	[ "$status" -eq 2 ]
}
