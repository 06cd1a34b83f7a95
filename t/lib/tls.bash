# tls: certificates for tests.
# shellcheck shell=bash

# certify NAME: an authority NAME.ca, and NAME.crt and NAME.key of its.
certify()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
	    -nodes -days 2 -subj "/CN=authority $1" -keyout "$1.cakey" \
	    -out "$1.ca" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    -subj "/CN=server $1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	echo 'subjectAltName=IP:127.0.0.1,DNS:localhost' >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$1.ca" -CAkey "$1.cakey" \
	    -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}
