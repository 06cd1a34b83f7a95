#!/usr/bin/env bats
# The shards of an object on drives, read without anything else of the drives.

load lib/common

@test "any k shard files of an object give it back, without index or journal" {
	local f
	mkdir d1 d2 d3 d4 rescue
	export EC_VOLUMES="$DIR/d{1...4}"
	random_file in 5000000 1
	ec-put --format --bucket bkt
	ec-put bkt/some/key <in
	rm -r d?/.ec d2/shard d3/shard
	exits 0 ec-decode d?/shard/*/*
	cmp in .out
	exits 3 ec-decode --info d?/shard/*/*
	[[ $OUT == *"bucket	bkt"*"key	some/key"* ]]
	# and the lost ones can be made again from them
	for f in d?/shard/*/*; do
		cp "$f" rescue
	done
	exits 0 ec-decode --repair rescue/* rescue/new.1 rescue/new.2
	exits 0 ec-decode --verify rescue/*
}
