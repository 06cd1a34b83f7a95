# Who may do what: users, access control lists, bucket policies, public access
# blocks, ownership, sessions, Signature Version 2.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	export EC_VOLUMES="$DIR/d{1...4}"
	export MAIN_ID=0123456789abcdef0123456789abcdef0123456789abcdef0123
	export ALT_ID=56789abcdef0123456789abcdef0123456789abcdef012345678
}

# Users as conformance suites configure them; wait until they are active.
users()
{
	ec-key user add main --id "$MAIN_ID" --display 'M. Tester' \
	    --email main@example.org --access-key MAINKEY --secret main-secret
	ec-key user add alt --id "$ALT_ID" --email alt@example.org \
	    --access-key ALTKEY --secret alt-secret
}

as()
{
	local key=$1 secret=$2

	shift 2
	curl -sS --fail-with-body --aws-sigv4 aws:amz:us-east-1:s3 \
	    -u "$key:$secret" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@"
}

# The status that a request gets.
status_as()
{
	as "$@" -o /dev/null -w '%{http_code}' || true
}

# until_is VALUE command ...: wait for the command to print it.
until_is()
{
	local want=$1 end=$((SECONDS + 60)) got

	shift
	until got=$("$@") && [ "$got" = "$want" ]; do
		[ $SECONDS -lt $end ] || { echo "$got, want $want"; return 1; }
		sleep 0.05
	done
}

checks()
{
	need_boto3
	s3d_start --sigv2
	users >/dev/null
	until_is 200 status_as ALTKEY alt-secret "$S3/"
	/usr/bin/python3 "$ROOT/t/lib/s3_access.py" "$S3" "$1"
}

@test "owners: their ids and names in answers; others get nothing" {
	checks owners
}

@test "access control lists, canned and by grants" {
	checks acl
}

@test "bucket policies" {
	checks policy
}

@test "public access blocks" {
	checks block
}

@test "object ownership" {
	checks ownership
}

@test "credentials for a time, by AssumeRole" {
	checks sts
}

@test "Signature Version 2, when asked for" {
	checks v2
}

@test "Signature Version 2 is refused otherwise" {
	s3d_start
	s3 -X PUT "$S3/box"
	run -0 curl -sS -o /dev/null -w '%{http_code}' \
	    -H 'Authorization: AWS tester:AAAA' "$S3/box"
	[ "$output" = 400 ]
	run -0 curl -sS -o /dev/null -w '%{http_code}' \
	    "$S3/box?AWSAccessKeyId=tester&Expires=4000000000&Signature=AA"
	[ "$output" = 400 ]
}

@test "a change is active while the server runs, and survives it" {
	s3d_start
	s3 -X PUT "$S3/box"
	[ "$(status_as MAINKEY main-secret "$S3/box")" = 403 ]
	users
	ec-key user add reader --member --policy readonly \
	    --access-key READER --secret reader-secret
	until_is 200 status_as READER reader-secret "$S3/box"
	[ "$(status_as READER reader-secret -X PUT "$S3/new-box")" = 403 ]
	[ "$(status_as MAINKEY main-secret -X PUT "$S3/mine")" = 200 ]
	[ "$(status_as READER reader-secret "$S3/mine")" = 200 ]
	server_stop s3d
	s3d_start
	until_is 200 status_as READER reader-secret "$S3/box"
	ec-key policy detach readonly --user reader
	until_is 403 status_as READER reader-secret "$S3/box"
	ec-key policy attach readonly --user reader
	until_is 200 status_as READER reader-secret "$S3/box"
	ec-key key disable READER
	until_is 403 status_as READER reader-secret "$S3/box"
	ec-key key enable READER
	until_is 200 status_as READER reader-secret "$S3/box"
	ec-key user remove reader
	until_is 403 status_as READER reader-secret "$S3/box"
}

@test "groups, policies in line, a narrowed key, an explicit deny" {
	ec-put --format
	users
	ec-key group add staff
	ec-key group join staff alt
	# shellcheck disable=SC2016 # a variable of policies
	echo '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
	    "Action":["s3:GetObject","s3:ListBucket"],
	    "Resource":["arn:aws:s3:::box","arn:aws:s3:::box/${aws:username}/*"]}]}' \
	    >own.json
	ec-key policy set own-folder own.json
	ec-key policy attach own-folder --group staff
	echo '{"Version":"2012-10-17","Statement":{"Effect":"Allow",
	    "Action":"s3:ListBucket","Resource":"*"}}' >list.json
	ec-key key add alt --access-key NARROW --secret narrow-secret \
	    --policy-file list.json
	s3d_start
	s3 -X PUT "$S3/box"
	s3 -T own.json "$S3/box/alt/file"
	s3 -T own.json "$S3/box/main/file"
	until_is 200 status_as ALTKEY alt-secret "$S3/box/alt/file"
	[ "$(status_as ALTKEY alt-secret "$S3/box/main/file")" = 403 ]
	[ "$(status_as NARROW narrow-secret "$S3/box")" = 200 ]
	[ "$(status_as NARROW narrow-secret "$S3/box/alt/file")" = 403 ]
	[ "$(status_as NARROW narrow-secret -X PUT "$S3/new-box")" = 403 ]
	echo '{"Version":"2012-10-17","Statement":{"Effect":"Deny",
	    "Action":"s3:GetObject","Resource":"*"}}' >deny.json
	ec-key policy set no-reading deny.json --user alt
	until_is 403 status_as ALTKEY alt-secret "$S3/box/alt/file"
	exits 7 ec-key explain alt GetObject box/alt/file
	[[ $OUT == *"user alt/no-reading denies it"* ]]
	ec-key policy remove no-reading --user alt
	until_is 200 status_as ALTKEY alt-secret "$S3/box/alt/file"
	exits 0 ec-key explain alt GetObject box/alt/file \
	    --value aws:username=alt
	[[ $OUT == *"policy own-folder allows it"* ]]
	ec-key group remove staff
	until_is 403 status_as ALTKEY alt-secret "$S3/box/alt/file"
}

@test "a new root password: the keys are sealed by it anew" {
	s3d_start
	users
	until_is 200 status_as ALTKEY alt-secret "$S3/"
	server_stop s3d
	printf '%s\n' "$EC_ROOT_PASSWORD" >old
	export EC_ROOT_PASSWORD=another-root-password
	echo wrong-password >wrong
	exits 2 ec-key key reseal wrong
	[[ $ERR == *"under neither password"* ]]
	s3d_start
	[ "$(status_as ALTKEY alt-secret "$S3/")" = 403 ]
	ec-key key add alt --access-key LATERKEY --secret later-secret
	ec-key key reseal - <old
	for key in ALT LATER; do
		until_is 200 status_as "${key}KEY" "${key,,}-secret" "$S3/"
	done
	ec-key key reseal wrong
	until_is 200 status_as ALTKEY alt-secret "$S3/"
	run -1 grep -raE 'alt-secret|later-secret' d1 d2 d3 d4
}

@test "no secret is in any log or on any drive" {
	EC_LOG=debug s3d_start --sigv2
	users
	until_is 200 status_as MAINKEY main-secret "$S3/"
	status_as MAINKEY wrong-secret "$S3/"
	curl -s "$S3/box?AWSAccessKeyId=x&Expires=1&Signature=tell-no-one"
	curl -s "$S3/box?X-Amz-Signature=tell-no-one&X-Amz-Security-Token=tell-no-one"
	run -1 grep -E 'main-secret|alt-secret|tell-no-one|Signature=[^-]' s3d.log
	run -1 grep -raE 'main-secret|alt-secret' d1 d2 d3 d4
}
