#!/bin/sh
# setup.sh demo [--once]: show an erasure-coded S3 server at work, on this
#	machine, from nothing.  It then stays up until Ctrl-C; with --once
#	it ends by itself.  (EC_BIN names a folder with tools that are built.)
# setup.sh cluster [--once]: the same with three nodes on this machine, of which
#	one is killed while an upload runs.
# setup.sh check: build and run every test, once plainly and once with the
#	address and undefined-behaviour sanitizers (or, with SANITIZE set, only
#	with those it names); print the table of make prove.  Ends with
#	"N passed, N failed, N skipped".
# setup.sh packages demo|check: only install what they need.
#
# Needs sh, and root or sudo to install packages.  Debian 12 and 13 and Ubuntu
# 24.04; elsewhere install what it names.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

build_packages='gcc make pkgconf libc6-dev libisal-dev libssl-dev
	libcurl4-openssl-dev libsqlite3-dev libarchive-dev libexpat1-dev
	libjansson-dev'
demo_packages='curl awscli|s3cmd'
check_packages='curl git bats clang clang-format cppcheck shellcheck mandoc
	openssl procps time sqlite3 zstd jq strace awscli| s3cmd rclone restic s3fs
	duplicity python3 python3-boto3 valgrind e2fsprogs xfsprogs util-linux mount'

say()
{
	printf '\n==> %s\n' "$*"
}

die()
{
	printf 'setup.sh: %s\n' "$*" >&2
	exit 1
}

installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
	    installed ]
}

available()
{
	[ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "neither root nor sudo; as root run: $*"
	fi
}

# One of each choice a|b|c: the first that there is; "a|" may be missing.
choose()
{
	for alternatives; do
		found=
		rest=$alternatives\|
		while [ -n "$rest" ]; do
			name=${rest%%|*}
			rest=${rest#*|}
			[ -n "$name" ] || continue
			if installed "$name" || available "$name"; then
				found=$name
				break
			fi
		done
		case $found$alternatives in
		*\|)	;;
		*)	[ -n "$found" ] || found=${alternatives%%|*} ;;
		esac
		[ -z "$found" ] || echo "$found"
	done
}

missing()
{
	for package; do
		installed "$package" || echo "$package"
	done
}

install_packages()
{
	if ! command -v dpkg-query >/dev/null ||
	    ! command -v apt-get >/dev/null; then
		echo "setup.sh: not a Debian system, nothing installed." \
		    "Needed (Debian's names):" "$@" >&2
		return 0
	fi
	# Without alternatives it can be seen at once that all is there.
	plain=$(printf '%s\n' "$@" | sed 's/|.*//')
	# shellcheck disable=SC2086 # a list of words
	[ -n "$(missing $plain)" ] || return 0
	say "Installing packages"
	as_root apt-get -qq update || echo "setup.sh: apt-get update failed," \
	    "going on with the lists there are" >&2
	want=$(choose "$@")
	# shellcheck disable=SC2086
	want=$(missing $want)
	[ -n "$want" ] || return 0
	printf '%s\n' "$want" | tr '\n' ' '
	echo
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
	    -o Dpkg::Use-Pty=0 install --no-install-recommends $want \
	    >/dev/null </dev/null || die "could not install: $want"
}

# --- demo ---

demo_end()
{
	status=$?
	trap - EXIT INT TERM
	if [ -n "${server-}" ]; then
		kill -TERM "$server" 2>/dev/null || true
		wait "$server" || status=1
	fi
	[ $status -eq 0 ] || [ ! -s "$work/log" ] || {
		echo "setup.sh: the end of the server's log:" >&2
		tail -n 20 "$work/log" >&2
	}
	rm -rf "$work"
	exit $status
}

random_word()
{
	od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}

# Start ec-s3d on the first port from 9000 on that nobody has.
demo_start()
{
	port=9000
	while :; do
		address=127.0.0.1:$port
		ec-s3d --address "$address" "$drives" 2>"$work/log" &
		server=$!
		tries=0
		until grep -qs ': serving ' "$work/log"; do
			tries=$((tries + 1))
			[ $tries -lt 100 ] || die "ec-s3d is not up after 10 s"
			kill -0 "$server" 2>/dev/null || break
			sleep 0.1
		done
		if grep -qs ': serving ' "$work/log"; then
			break
		fi
		wait "$server" || true
		server=
		grep -q ': in use' "$work/log" || die "ec-s3d did not start"
		port=$((port + 1))
	done
	endpoint=http://$address
	curl -fs --noproxy '*' -o /dev/null "$endpoint/ec/health/ready" ||
	    die "ec-s3d is not ready"
	echo "\$ ec-s3d --address $address '$drives'"
}

# What a stock client needs to know, in files and in the environment of this
# process only.
client_setup()
{
	export AWS_ACCESS_KEY_ID="$EC_ROOT_USER"
	export AWS_SECRET_ACCESS_KEY="$EC_ROOT_PASSWORD"
	export AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
	export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
	export no_proxy='*'
	(umask 077 && cat >"$work/s3cfg" <<-END
	[default]
	access_key = $EC_ROOT_USER
	secret_key = $EC_ROOT_PASSWORD
	host_base = $address
	host_bucket = $address
	use_https = False
	END
	)
	client=s3cmd
	! command -v aws >/dev/null || client=aws
}

s3_make_bucket()
{
	case $client in
	aws)	aws --endpoint-url "$endpoint" s3 mb "s3://$1" ;;
	s3cmd)	s3cmd -c "$work/s3cfg" mb "s3://$1" ;;
	esac
}

s3_upload()	# folder, s3://bucket
{
	case $client in
	aws)	aws --endpoint-url "$endpoint" s3 cp --only-show-errors \
		    --recursive "$1" "$2" ;;
	s3cmd)	s3cmd -c "$work/s3cfg" -q --no-progress --recursive put "$1/" \
		    "$2/" ;;
	esac
}

s3_download()	# s3://bucket, folder
{
	mkdir -p "$2"
	case $client in
	aws)	aws --endpoint-url "$endpoint" s3 cp --only-show-errors \
		    --recursive "$1" "$2" ;;
	s3cmd)	s3cmd -c "$work/s3cfg" -q --no-progress --recursive get "$1/" \
		    "$2/" ;;
	esac
}

# Read all objects back and compare them with the checksums of the input.
read_back()
{
	rm -rf "$work/back"
	s3_download s3://demo "$work/back"
	(cd "$work/back" && sha256sum --quiet -c "$work/sums") ||
	    die "what was read is not what was written"
	printf '%s objects, %s bytes: every SHA-256 is right\n' \
	    "$(wc -l <"$work/sums")" "$(du -sb --apparent-size "$work/back" |
	    cut -f 1)"
}

show()
{
	printf '$ %s\n' "$*"
	"$@"
}

demo_install()
{
	# shellcheck disable=SC2086 # lists of words
	install_packages $build_packages $demo_packages
}

# [--once], and the tools.
demo_prepare()
{
	once=no
	case ${1-} in
	--once)	once=yes ;;
	'')	;;
	*)	usage ;;
	esac
	if [ -z "${EC_BIN-}" ]; then
		demo_install
		say "Building"
		make -s -j"$(nproc)" all
	fi
}

demo()
{
	demo_prepare "$@"

	work=$(mktemp -d "${TMPDIR:-/tmp}/ec-demo.XXXXXX")
	server=
	trap demo_end EXIT
	trap 'exit 130' INT TERM
	PATH=${EC_BIN:-$root/build/plain}:$PATH
	EC_ROOT_USER=demo-$(random_word 4)
	EC_ROOT_PASSWORD=$(random_word 20)
	export PATH EC_ROOT_USER EC_ROOT_PASSWORD
	drives="$work/drive{1...4}"

	say "Starting ec-s3d on four drives: 2 data + 2 parity shards"
	mkdir "$work/drive1" "$work/drive2" "$work/drive3" "$work/drive4"
	demo_start
	client_setup
	demo_job
	[ $once = no ] || return 0
	demo_invite
	trap 'exit 0' INT TERM
	wait "$server" || true
	server=
	die "ec-s3d ended"
}

# The server looks for new drives every few seconds and heals what they lack;
# ec-heal succeeds when nothing is left to do.
heal()
{
	echo "\$ ec-heal '$drives'"
	tries=0
	until ec-heal "$drives" >"$work/heal" 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || die "not healed after 60 s:" \
		    "$(cat "$work/heal")"
		sleep 1
	done
	cat "$work/heal"
	sed -n 's/^[^ ]* ec-s3d: \(healed .*\)/the server: \1/p' "$work/log" |
	    tail -n 1
}

# The main job, before the reader's eyes.
demo_job()
{
	say "Uploading this source tree and a file of 64 MiB with $client"
	mkdir -p "$work/input/tree"
	for file in Makefile README LICENSE cmd libec share t contrib; do
		cp -R "$file" "$work/input/tree/"
	done
	head -c 67108864 /dev/urandom >"$work/input/large.bin"
	(cd "$work/input" && find . -type f -size +0 -exec sha256sum {} +) \
	    >"$work/sums"
	s3_make_bucket demo
	s3_upload "$work/input" s3://demo
	read_back

	say "Two of the four drives are torn out; reading everything back"
	rm -rf "$work/drive2" "$work/drive3"
	read_back

	say "Two empty drives are put in; healing"
	mkdir "$work/drive2" "$work/drive3"
	heal
	show ec-scan --deep "$drives"
	show ec-scan --status "$drives"

	say "The other two drives are torn out; the healed ones must do"
	rm -rf "$work/drive1" "$work/drive4"
	read_back
	mkdir "$work/drive1" "$work/drive4"
	heal
}

demo_invite()
{
	cat <<-END

	ec-s3d is up; Ctrl-C ends it and removes its drives.

	  endpoint    $endpoint
	  access key  $EC_ROOT_USER
	  secret key  $EC_ROOT_PASSWORD
	  drives      $drives

	Paste into another terminal:

	  export AWS_ACCESS_KEY_ID=$EC_ROOT_USER
	  export AWS_SECRET_ACCESS_KEY=$EC_ROOT_PASSWORD
	  export AWS_DEFAULT_REGION=us-east-1

	  aws --endpoint-url $endpoint s3 ls s3://demo
	  s3cmd --host=$address --host-bucket=$address --no-ssl \\
	    --access_key=$EC_ROOT_USER --secret_key=$EC_ROOT_PASSWORD ls s3://demo
	  rclone --s3-provider=Other --s3-endpoint=$endpoint --s3-env-auth \\
	    ls :s3:demo
	  curl --aws-sigv4 aws:amz:us-east-1:s3 \\
	    --user "\$AWS_ACCESS_KEY_ID:\$AWS_SECRET_ACCESS_KEY" \\
	    $endpoint/demo/tree/README
	END
}

# --- cluster ---

cluster_end()
{
	status=$?
	trap - EXIT INT TERM
	for i in 1 2 3; do
		[ ! -s "$work/pid$i" ] || kill "$(cat "$work/pid$i")" || true
	done
	wait || true
	[ $status -eq 0 ] || tail -n 5 "$work"/log? >&2 || true
	rm -rf "$work"
	exit $status
}

node_address()	# node
{
	echo "127.0.0.1:$((port + $1))"
}

node_start()	# node
{
	ec-s3d --address "$(node_address "$1")" 2>"$work/log$1" &
	echo $! >"$work/pid$1"
}

node_stop()	# node, signal
{
	kill "-$2" "$(cat "$work/pid$1")"
	rm "$work/pid$1"
}

node_ready()	# node
{
	tries=0
	# Its own word first: somebody else may have the port.
	until grep -qs ': serving ' "$work/log$1" && curl -fs -o /dev/null \
	    "http://$(node_address "$1")/ec/health/ready"
	do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || die "node $1 is not ready after 60 s"
		kill -0 "$(cat "$work/pid$1")" 2>/dev/null || return 1
		sleep 0.2
	done
}

# The first three ports in a row that nobody has; the nodes say so themselves.
cluster_start()
{
	for port in 9000 9010 9020 9030 9040 9050 9060 9070 9080 9090; do
		rm -rf "$work"/n? "$work"/log?
		EC_VOLUMES=
		for i in 1 2 3; do
			mkdir -p "$work/n$i/d1" "$work/n$i/d2" \
			    "$work/n$i/d3" "$work/n$i/d4"
			EC_VOLUMES="$EC_VOLUMES${EC_VOLUMES:+,}http://$(
			    node_address $i)$work/n$i/d{1...4}"
		done
		export EC_VOLUMES
		for i in 1 2 3; do node_start $i; done
		! { node_ready 1 && node_ready 2 && node_ready 3; } || return 0
		for i in 1 2 3; do node_stop $i TERM 2>/dev/null || true; done
		wait || true
		grep -q ': in use' "$work"/log? || break
	done
	die "the nodes did not start"
}

# A node is killed while it is written to, and comes back.
cluster_job()
{
	show ec-s3d --explain
	say "Uploading 64 files and one of 64 MiB to node 1 with $client"
	mkdir -p "$work/input"
	head -c 67108864 /dev/urandom >"$work/input/large.bin"
	split -a 2 -n 64 "$work/input/large.bin" "$work/input/small."
	(cd "$work/input" && find . -type f -exec sha256sum {} +) \
	    >"$work/sums"
	s3_make_bucket demo
	s3_upload "$work/input" s3://demo &
	upload=$!
	sleep 0.3
	echo "node 3 is killed while the upload runs"
	node_stop 3 KILL
	wait $upload || die "the upload failed"
	for i in 1 2; do
		say "Reading everything back from node $i"
		endpoint=http://$(node_address $i)
		read_back
	done
	say "Node 3 is started again; what it missed is healed"
	node_start 3
	node_ready 3 || die "node 3 did not start"
	drives=$EC_VOLUMES
	cat "$work"/log? >"$work/log"
	heal
	show ec-scan --deep
	say "Node 1 is killed; node 3, which missed so much, must do"
	node_stop 1 KILL
	endpoint=http://$(node_address 3)
	read_back
	node_start 1
	node_ready 1 || die "node 1 did not start"
}

# Three nodes on this machine, each with its port and four drives.
cluster()
{
	demo_prepare "$@"
	work=$(mktemp -d "${TMPDIR:-/tmp}/ec-cluster.XXXXXX")
	trap cluster_end EXIT
	trap 'exit 130' INT TERM
	PATH=${EC_BIN:-$root/build/plain}:$PATH
	EC_ROOT_USER=demo-$(random_word 4)
	EC_ROOT_PASSWORD=$(random_word 20)
	no_proxy='*'
	export PATH EC_ROOT_USER EC_ROOT_PASSWORD no_proxy

	say "Starting three nodes with four drives each: 8 data + 4 parity shards"
	cluster_start
	address=$(node_address 1)
	endpoint=http://$address
	client_setup
	cluster_job
	[ $once = no ] || return 0
	cat <<-END

	Three nodes are up; Ctrl-C ends them and removes their drives.

	  endpoints   $(node_address 1), $(node_address 2), $(node_address 3)
	  access key  $EC_ROOT_USER
	  secret key  $EC_ROOT_PASSWORD
	  drives      $EC_VOLUMES
	END
	trap 'exit 0' INT TERM
	while :; do sleep 1; done
}

# --- check ---

# The run-time library of clang's sanitizers has clang's version in its name.
check_install()
{
	# shellcheck disable=SC2086 # lists of words
	install_packages $build_packages $check_packages
	! command -v clang >/dev/null || install_packages \
	    "libclang-rt-$(clang -dumpversion | cut -d . -f 1)-dev"
}

check()
{
	check_install
	EC_TOTALS=$(mktemp "${TMPDIR:-/tmp}/ec-totals.XXXXXX")
	export EC_TOTALS
	trap 'rm -rf "$EC_TOTALS" "$EC_TOTALS".*' EXIT
	failed=0
	if [ -n "${SANITIZE-}" ]; then
		check_build "$SANITIZE"
	else
		say "lint"
		make lint || failed=1
		EC_RESULTS=$EC_TOTALS.results
		mkdir "$EC_RESULTS"
		export EC_RESULTS
		check_build ''
		say "fuzz"
		make -s -j"$(nproc)" fuzzers >/dev/null &&
		    make -s fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-10}" || failed=1
		say "prove"
		make -s prove || failed=1
		unset EC_RESULTS
		check_build address,undefined
	fi
	echo
	# At the end of a long log, where it is looked for.
	[ ! -s "$EC_TOTALS.failed" ] || cat "$EC_TOTALS.failed"
	# The exit status says what else failed; the line says what tests did.
	awk -v failed=$failed '
		{ p += $1; f += $2; s += $3 }
		END {
			printf "%d passed, %d failed, %d skipped\n", p, f, s
			exit failed || f > 0 || p == 0
		}' "$EC_TOTALS"
}

check_build()	# sanitizers
{
	say "build and check${1:+ with $1}"
	make -s -j"$(nproc)" WERROR=1 SANITIZE="$1" all units || failed=1
	EC_RUN_NAME=${1:-plain} make -s WERROR=1 SANITIZE="$1" check ||
	    failed=1
}

usage()
{
	echo "usage: setup.sh demo|cluster [--once] | check |" \
	    "packages demo|check" >&2
	exit 2
}

case ${1-} in
demo)
	shift
	demo "$@"
	;;
cluster)
	shift
	cluster "$@"
	;;
check)
	[ $# -eq 1 ] || usage
	check
	;;
packages)
	case ${2-} in
	demo)	demo_install ;;
	check)	check_install ;;
	*)	usage ;;
	esac
	;;
*)	usage ;;
esac
