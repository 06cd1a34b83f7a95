# Nodes that speak TLS with each other.
load lib/common
load lib/s3d
load lib/nodes
load lib/tls

setup()
{
	common_setup
	need jq
	export SCHEME=https
	nodes_setup 2 2
	certify a
	export EC_TLS_CA=$DIR/a.ca CURL_CA_BUNDLE=$DIR/a.ca
}

# tls_node N [option ...]: start it with the certificate a.
tls_node()
{
	node_start "$@" --tls-cert a.crt --tls-key a.key
}

@test "nodes over TLS are one store, for tools too" {
	tls_node 1
	tls_node 2
	for n in 1 2; do node_ready $n; done
	for n in 1 2; do eventually node_sees $n "4 online"; done
	random_file f 3000000
	node_s3 1 -X PUT /box
	node_s3 1 -T f /box/f
	node_s3 2 /box/f | cmp - f
	export EC_VOLUMES=$NODES_LINE
	ec-put box/g <f
	node_s3 2 /box/g | cmp - f
	exits 22 node_s3 2 -X PUT -H 'If-None-Match: *' -d x /box/g
	# A new certificate of the same authority, while they run.
	cp a.crt old.crt
	openssl x509 -req -in a.csr -CA a.ca -CAkey a.cakey -CAcreateserial \
	    -days 2 -extfile a.ext -out a.new 2>/dev/null
	mv a.new a.crt
	eventually grep 'certificate read' node1.log
	eventually grep 'certificate read' node2.log
	node_s3 2 /box/f | cmp - f
}

@test "a node that nobody vouches for is not believed" {
	certify b
	tls_node 1
	server_start node2 ec-s3d --address "127.0.0.1:${NODE_PORTS[2]}" \
	    --tls-cert b.crt --tls-key b.key --tls-ca a.ca "$NODES_LINE"
	# The first, which formats, must reach all.
	eventually grep -q 'waiting to format' node1.log
	exits 22 curl -sf "$(node_url 1)/ec/health/ready"
	[ -z "$(find . -name format.json)" ]
}

@test "nodes' names and TLS must agree" {
	exits 2 timeout 60 ec-s3d "$NODES_LINE" \
	    --address "127.0.0.1:${NODE_PORTS[1]}"
	[[ $ERR == *"named with https://"* ]]
	exits 2 timeout 60 ec-s3d "${NODES_LINE//https/http}" \
	    --address "127.0.0.1:${NODE_PORTS[1]}" --tls-cert a.crt \
	    --tls-key a.key
	[[ $ERR == *"named with https://"* ]]
}
