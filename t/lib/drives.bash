# drives: four (or N) folders as drives, for tests of the tools on them.
# shellcheck shell=bash

# drives_make [N]: empty folders d1 .. dN below $DIR, formatted, with a bucket.
drives_make()
{
	local i n=${1:-4}

	for ((i = 1; i <= n; i++)); do
		mkdir "$DIR/d$i"
	done
	export EC_VOLUMES="$DIR/d{1...$n}"
	ec-put --format --bucket bucket
}

# put KEY BYTES [SEED]: an object, and its bytes in the file of that name.  A
# drive may be away.
put()
{
	mkdir -p "$DIR/data/$(dirname "$1")"
	random_file "$DIR/data/$1" "$2" "${3:-1}"
	ec-put "bucket/$1" <"$DIR/data/$1" || [ $? -eq 3 ]
}

# Objects of every kind, one of them deleted; the sums of their shards in sums.
put_kinds()
{
	put empty 0
	put one 1
	put small 4000
	put large 3000001
	put over 100 1
	put over 900000 2
	put deleted 500000
	ec-put --delete bucket/deleted
	rm data/deleted
	shard_sums >sums
}

# All that was put can be read and is the same.
all_there()
{
	local key

	(cd "$DIR/data" && find . -type f) | while read -r key; do
		ec-get "bucket/${key#./}" | cmp - "$DIR/data/$key" || exit 1
	done
}

# shard_of D: a shard file of drive D, the first by name.
shard_of()
{
	find "$DIR/$1/shard" -type f | sort | head -n 1
}

# Sums of all shard files, by name.
shard_sums()
{
	(cd "$DIR" && find d*/shard -type f -print0 | sort -z |
	    xargs -0 -r sha256sum)
}
