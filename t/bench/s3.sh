#!/bin/sh
# s3.sh [drives]: ec-s3d on so many drives (12: 8+4; 4: 2+2), all in $TMPDIR on
# one file system, beside the bare HTTP server of the same engine.  The client,
# one thread, runs on the same processors.  Every write is flushed.
# S3_BENCH=quick makes blocks of half a second; see t/bench/METRICS.
set -eu

drives=${1:-12}
bin=${EC_BIN:-build/plain}
dir=$(mktemp -d "${TMPDIR:-/tmp}/ec-bench.XXXXXX")
pids=
end()
{
	# shellcheck disable=SC2086 # a list of processes
	[ -z "$pids" ] || kill $pids 2>/dev/null || :
	wait
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' INT TERM HUP

export EC_ROOT_USER=bench EC_ROOT_PASSWORD=bench-bench
export EC_LOG=error
i=0
while [ $i -lt "$drives" ]; do
	i=$((i + 1))
	mkdir "$dir/d$i"
done

"$bin/t/bench/load/ec-bare" >"$dir/bare" &
bare=$!
pids=$bare
while ! [ -s "$dir/bare" ]; do
	sleep 0.05
done
port=$(($(cat "$dir/bare") + 1))
while :; do
	"$bin/ec-s3d" --address "127.0.0.1:$port" "$dir/d{1...$drives}" \
	    2>"$dir/log" &
	s3d=$!
	pids="$bare $s3d"
	until curl -fs "http://127.0.0.1:$port/ec/health/ready" >/dev/null; do
		kill -0 $s3d 2>/dev/null || break
		sleep 0.05
	done
	kill -0 $s3d 2>/dev/null && break
	port=$((port + 1))	# taken, most likely
	[ $port -lt 65535 ] || { cat "$dir/log"; exit 1; }
done

seconds=2 rounds=3
[ "${S3_BENCH-}" != quick ] || { seconds=0.5 rounds=2; }
load()
{
	"$bin/t/bench/load/ec-load" -t $seconds -r $rounds -P "$s3d" \
	    -P "$bare" -d "$dir" "$@" \
	    "http://127.0.0.1:$port" "http://127.0.0.1:$(cat "$dir/bare")"
}

echo "ec-s3d on $drives drives, $(df --output=fstype "$dir" | tail -n 1);" \
    "beside it the bare HTTP server"
load -w list -s 4096 -k 20000 -c 8
load -w get,head -s 4096 -k 3000 -c 64 -b warm	# all of these are kept
for clients in 64 1; do		# of these not
	load -w put,get,head,range,delete,mixed -s 4096 -c $clients -k 20000
done
load -w put,get -s 16M -c 8 -k 64
load -w put,get -s 1G -c 1 -k 1
load -w range -s 1G -c 64 -k 1
load -w multipart -s 1G -p 128M -c 8
