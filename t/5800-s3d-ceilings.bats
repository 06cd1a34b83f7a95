# What an operation may cost: counts, not seconds.  Ceilings are well above what
# is usual, so that only what changes the order of things meets them.
load lib/common
load lib/s3d

setup()
{
	common_setup
	s3d_setup
	s3d_start
}

# load workload option ...: one block; its counts in blocks.json.
load_run()
{
	"$EC_BIN/t/bench/load/ec-load" --json blocks.json -r 1 \
	    -P "$(server_pid s3d)" -w "$@" "$S3"
	[ "$(jq -s 'map(.errors) | add' blocks.json)" = 0 ]
	cat blocks.json
}

# at_most N expression: of the counts of the block, as jq has it.
at_most()
{
	jq -e "($2) <= $1" blocks.json || {
		echo "$2: $(jq "$2" blocks.json), more than $1"
		return 1
	}
}

@test "a small put: calls on files, bytes written" {
	load_run put -s 4096 -c 1 -k 300 -t 60
	[ "$(jq .ops blocks.json)" = 300 ]
	at_most 12 .calls/.ops		# usual: 4.5, on four drives
	at_most 15 .written/.bytes	# 6.5
	load_run put -s 4096 -c 16 -k 2000 -t 60
	at_most 8 .calls/.ops		# 0.7: many share a flush
	at_most 10 .written/.bytes	# 2.9: and a page of the index
}

@test "a large put: bytes written, calls, changes of threads" {
	load_run put -s 8M -c 2 -k 8 -t 60
	at_most 2.2 .written/.bytes	# 2+2
	at_most 130 .calls/.ops	# 76
	at_most 3000 .switches/.ops
}

@test "what was asked for lately costs no calls on files" {
	load_run get,get,head -s 4096 -c 4 -k 100 -t 0.5
	tail -n +2 blocks.json >warm.json
	jq -s '(map(.calls) | add) / (map(.ops) | add)' warm.json
	# One is the line in the log.
	jq -se '(map(.calls) | add) <= 3 * (map(.ops) | add)' warm.json
}

@test "memory under many clients" {
	[[ $EC_BIN = */plain ]] || skip "sanitizers have memory of their own"
	load_run put -s 4M -c 32 -k 64 -t 60
	at_most 400000 .peak_kib
}
