# ec-s3d: archives that become objects, and objects that become an archive.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	export EC_VOLUMES="$DIR/d{1...4}"
	s3d_start
	s3 -X PUT "$S3/box"
}

tree()
{
	mkdir -p tree/sub tree/none
	echo a >tree/a
	: >tree/empty
	echo ö >"tree/sub/ä ö+&.txt"
	random_file tree/large 3000000
	ln -s a tree/link
}

# extract FILE [curl-argument ...]
extract()
{
	local file=$1
	shift
	s3 -o answer -w '%{http_code}' -T "$file" \
	    -H 'x-amz-meta-snowball-auto-extract: true' "$@" \
	    "$S3/box/archive" || true
}

keys()
{
	ec-get --list "box/$1" | cut -f 3
}

# nothing_left: no spool stays behind.
nothing_left()
{
	local left

	left=$(ec-get --list .ec/spool/ || true)
	[ -z "$left" ]
}

# evil_tar NAME: a good member, then one of that name.
evil_tar()
{
	python3 - "$1" >evil.tar <<-'EOF'
	import io, sys, tarfile
	with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as t:
	    for name in "good", sys.argv[1]:
	        i = tarfile.TarInfo(name)
	        i.size = 1
	        t.addfile(i, io.BytesIO(b"x"))
	EOF
}

@test "a tar becomes objects, plain and compressed; an archive gives them back" {
	tree
	for z in none gzip zstd; do
		option=
		[ $z = none ] || option=--$z
		tar c $option -C tree . >t.tar
		[ "$(extract t.tar -H "x-amz-meta-minio-snowball-prefix: $z")" \
		    = 200 ]
		[ "$(keys $z | wc -l)" = 6 ]
	done
	rm tree/link
	for f in zip tar tar.gz tar.zst; do
		mkdir "out.$f"
		s3 -D head "$S3/box?archive=$f&prefix=zstd/" >"$f"
		grep -qi '^transfer-encoding: chunked' head
		grep -qi "filename=\"box.$f\"" head
		if [ $f = zip ]; then
			python3 -m zipfile -e zip out.zip
		else
			tar xf $f -C "out.$f"
		fi
		diff -r tree "out.$f/zstd"
	done
	nothing_left
}

@test "what the headers ask for is of each object" {
	tree
	tar c -C tree . >t.tar
	[ "$(extract t.tar -H 'x-amz-meta-snowball-prefix: p/' \
	    -H 'x-amz-meta-snowball-ignore-dirs: true' \
	    -H 'x-amz-tagging: a=b' -H 'x-amz-meta-other: not of them' \
	    -H 'x-amz-storage-class: REDUCED_REDUNDANCY')" = 200 ]
	[ "$(keys p/)" = "p/a
p/empty
p/large
p/sub/ä ö+&.txt" ]
	s3 -D head -o /dev/null "$S3/box/p/a"
	grep -qi '^x-amz-tagging-count: 1' head
	grep -qi '^x-amz-storage-class: REDUCED_REDUNDANCY' head
	[ "$(grep -ci 'x-amz-meta' head)" = 0 ]
	s3 -T t.tar -H 'x-amz-meta-snowball-auto-extract: false' "$S3/box/t"
	s3 "$S3/box/t" | cmp - t.tar
}

@test "hostile archives are refused, and nothing of them is stored" {
	long=$(printf 'x%.0s' {1..1025})
	for name in ../up a/../../up /abs .. "$long"; do
		evil_tar "$name"
		[ "$(extract evil.tar)" = 400 ]
		grep -q InvalidArgument answer
	done
	truncate -s 6G sparse
	tar cS sparse >evil.tar
	[ "$(extract evil.tar)" = 400 ]
	grep -q EntityTooLarge answer
	truncate -s 600M a b
	tar c a b | zstd -1 -q >evil.tar
	rm a b
	[ "$(extract evil.tar)" = 400 ]
	grep -q EntityTooLarge answer
	tree
	tar cz -C tree . >t.tar
	head -c 2000000 t.tar >cut.tar
	[ "$(extract cut.tar)" = 400 ]
	head -c 5000 tree/large >none.tar
	[ "$(extract none.tar)" = 400 ]
	[ "$(extract t.tar -H 'Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==')" = 400 ]
	grep -q BadDigest answer
	gzip -c t.tar >twice.tar
	[ "$(extract twice.tar)" = 400 ]
	[ -z "$(keys '')" ]
	nothing_left
}

@test "with ignore-errors the others are stored" {
	evil_tar ../up
	[ "$(extract evil.tar \
	    -H 'x-amz-meta-minio-snowball-ignore-errors: true')" = 200 ]
	[ "$(keys '')" = good ]
}

@test "each object is asked for by its own key" {
	cat >policy.json <<-'EOF'
	{"Version": "2012-10-17", "Statement": [
	 {"Effect": "Allow", "Action": "s3:PutObject",
	  "Resource": ["arn:aws:s3:::box/archive", "arn:aws:s3:::box/mine/*"]},
	 {"Effect": "Allow", "Action": "s3:ListBucket",
	  "Resource": "arn:aws:s3:::box",
	  "Condition": {"StringLike": {"s3:prefix": "mine/*"}}},
	 {"Effect": "Allow", "Action": "s3:GetObject",
	  "Resource": "arn:aws:s3:::box/mine/*"},
	 {"Effect": "Deny", "Action": "s3:GetObject",
	  "Resource": "arn:aws:s3:::box/*", "Condition": {
	   "StringEquals": {"s3:ExistingObjectTag/secret": "yes"}}}]}
	EOF
	tree
	ec-key user add someone --member --access-key SOMEONE \
	    --secret someones-secret
	ec-key policy set own policy.json --user someone
	root=("${S3_CURL[@]}")
	S3_CURL=("${S3_CURL[@]/"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"/SOMEONE:someones-secret}")
	tar c -C tree . >t.tar
	for i in {1..600}; do	# until the server knows
		[ "$(extract t.tar -H 'x-amz-meta-snowball-prefix: mine')" \
		    != 200 ] || break
		[ "$i" != 600 ]
		sleep 0.1
	done
	[ "$(extract t.tar -H 'x-amz-meta-snowball-prefix: other')" = 403 ]
	[ -z "$(keys other)" ]
	[ "$(keys mine | wc -l)" = 6 ]
	s3 "$S3/box?archive=tar&prefix=mine/" | tar t >names
	[ "$(wc -l <names)" = 6 ]
	status=0
	s3 -o answer "$S3/box?archive=tar&prefix=other/" || status=$?
	[ $status = 22 ]
	grep -q AccessDenied answer
	"${root[@]}" -X PUT "$S3/box/mine/a?tagging" -d \
	    '<Tagging><TagSet><Tag><Key>secret</Key><Value>yes</Value></Tag></TagSet></Tagging>'
	status=0
	s3 -o answer "$S3/box?archive=tar&prefix=mine/" || status=$?
	[ $status = 22 ]
	grep -q AccessDenied answer
	"${root[@]}" -X DELETE "$S3/box/mine/a"
	"${root[@]}" -X PUT -H 'x-amz-tagging: secret=yes' -d x "$S3/box/mine/z"
	# Too late to say so: the answer is cut.
	status=0
	s3 -o answer "$S3/box?archive=tar&prefix=mine/" || status=$?
	[ $status = 18 ]
}

@test "an object that cannot be read cuts the archive" {
	random_file f 1000000
	s3 -T f "$S3/box/a"
	find d? -path '*/shard/*' -type f | sort >before
	s3 -T f "$S3/box/b"
	find d? -path '*/shard/*' -type f | sort >after
	comm -13 before after >new
	[ "$(wc -l <new)" = 4 ]
	head -n 3 new | xargs rm
	for f in tar tar.gz tar.zst zip; do
		status=0
		s3 -o answer "$S3/box?archive=$f&prefix=" || status=$?
		[ $status = 18 ]
	done
	s3 "$S3/box?archive=tar&prefix=a" | tar xO a | cmp - f
}

@test "names that lead out do so in no archive" {
	for key in '%2Fabs' '..%2Fup' 'a%2F..%2Fb'; do
		s3 -X PUT -d x "$S3/box/$key"
	done
	[ "$(s3 "$S3/box?archive=tar" | tar t | sort)" = '%2E%2E/up
%2Fabs
a/%2E%2E/b' ]
}
