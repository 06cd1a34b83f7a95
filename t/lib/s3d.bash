# s3d: a server for a test, and curl that signs for it.
# shellcheck shell=bash

# s3d_setup: four drives, d1 to d4, and credentials.
s3d_setup()
{
	mkdir d1 d2 d3 d4
	s3d_credentials
}

s3d_credentials()
{
	export EC_ROOT_USER=tester EC_ROOT_PASSWORD=a9e1c3b5d7
	export AWS_ACCESS_KEY_ID=$EC_ROOT_USER
	export AWS_SECRET_ACCESS_KEY=$EC_ROOT_PASSWORD
	export AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
	export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
}

# need_boto3: as need, for Debian's python3-boto3.
need_boto3()
{
	/usr/bin/python3 -c 'import boto3' 2>/dev/null || need python3-boto3
}

# s3d_tree: files of all kinds to upload, in tree.
s3d_tree()
{
	mkdir tree tree/sub "tree/sub dir"
	random_file tree/small 1000 1
	random_file tree/sub/medium 300000 2
	random_file "tree/sub dir/ä ö+&.bin" 70000 3
	: >tree/empty
	random_file tree/large 22000000 4
}

# tear_out DRIVE ...: it goes away while the server runs.  Of four drives (2+2)
# writes need three and reads two.
tear_out()
{
	rm -rf "$@" || rm -rf "$@"	# a file may just be made in it
}

# s3d_start [option ...]: start it on a free port ($PORT; $S3 is its URL, with
# $SCHEME if that is set), or again on the port it had.
s3d_start()
{
	[ -n "${S3-}" ] || free_port
	S3=${SCHEME:-http}://127.0.0.1:$PORT
	export S3 AWS_ENDPOINT_URL=$S3
	S3_CURL=(curl -sS --fail-with-body --aws-sigv4 aws:amz:us-east-1:s3
	    -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
	    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD')
	server_start s3d ec-s3d --address "127.0.0.1:$PORT" "$@" \
	    "$DIR/d{1...4}"
	server_ready s3d 20 curl -sf "$S3/ec/health/ready"
}

# s3 curl-argument ...: a signed request that must succeed.
s3()
{
	"${S3_CURL[@]}" "$@"
}

# Debian 12's aws does not read AWS_ENDPOINT_URL.
aws()
{
	command aws --endpoint-url "$S3" "$@"
}

# s3cmd_config [line ...]: s3cfg for s3cmd -c, of the server, with more lines.
s3cmd_config()
{
	cat >s3cfg <<-END
	[default]
	access_key = $AWS_ACCESS_KEY_ID
	secret_key = $AWS_SECRET_ACCESS_KEY
	host_base = 127.0.0.1:$PORT
	host_bucket = 127.0.0.1:$PORT
	END
	printf '%s\n' "$@" >>s3cfg
}

# rclone_config [line ...]: the server is its remote ec, with more lines.
rclone_config()
{
	export RCLONE_CONFIG=$DIR/rclone.conf
	cat >rclone.conf <<-END
	[ec]
	type = s3
	provider = Other
	endpoint = $S3
	access_key_id = $AWS_ACCESS_KEY_ID
	secret_access_key = $AWS_SECRET_ACCESS_KEY
	region = us-east-1
	END
	printf '%s\n' "$@" >>rclone.conf
}
