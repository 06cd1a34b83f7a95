# nodes: several servers of one store, on ports of this machine.
# shellcheck shell=bash

# nodes_setup NODES DRIVES: folders n1/d1 ..., a port for each node, and the
# line that all are started with in $NODES_LINE.  $SCHEME may be https.
nodes_setup()
{
	local i

	NODES=$1 NODES_LINE=
	NODE_PORTS=(0)
	s3d_setup
	for ((i = 1; i <= $1; i++)); do
		free_port
		NODE_PORTS+=("$PORT")
		eval "mkdir -p n$i/d{1..$2}"
		NODES_LINE+=${NODES_LINE:+,}
		NODES_LINE+="${SCHEME:-http}://127.0.0.1:$PORT$DIR/n$i/d{1...$2}"
	done
	export NODES_LINE
}

node_url()
{
	echo "${SCHEME:-http}://127.0.0.1:${NODE_PORTS[$1]}"
}

# node_start N [option ...]: in the background; its log is node$N.log.
node_start()
{
	local n=$1

	shift
	server_start "node$n" ec-s3d --address "127.0.0.1:${NODE_PORTS[$n]}" \
	    "$@" "$NODES_LINE"
}

# nodes_start: all of them, until each is ready.
nodes_start()
{
	local i

	for ((i = 1; i <= NODES; i++)); do
		node_start "$i"
	done
	for ((i = 1; i <= NODES; i++)); do
		node_ready "$i"
	done
}

node_ready()
{
	server_ready "node$1" 60 curl -sf "$(node_url "$1")/ec/health/ready"
}

# node_s3 N curl-argument ... path: a signed request to node N, which must
# succeed.
node_s3()
{
	local url

	url=$(node_url "$1")
	shift
	curl -sS --fail-with-body --aws-sigv4 aws:amz:us-east-1:s3 \
	    -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
	    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
	    "${@:1:$#-1}" "$url${*: -1}"
}

# node_status N: drives by state, as "12 online".
node_status()
{
	node_s3 "$1" /ec/status | jq -r '.drives[].state' | sort | uniq -c |
	    sed 's/^ *//'
}

# eventually command ...: it must succeed within 60 s.
eventually()
{
	local end=$((SECONDS + 60))

	until "$@" >/dev/null 2>&1 3>&-; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "not in time: $*"
			return 1
		fi
		sleep 0.1
	done
}

# node_sees N TEXT: its drives are just so.
node_sees()
{
	[ "$(node_status "$1")" = "$2" ]
}
