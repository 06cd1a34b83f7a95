#!/bin/bash
# barman.sh BIN: PostgreSQL is backed up to the server by barman-cloud, whose
# programs are in BIN, with its log as it is written; the database is lost, and
# restored to its last transaction.  As root it is run by nobody.
set -eu
if [ "$(id -u)" -eq 0 ]; then
	exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@"
fi
bin=$1
dir=$(mktemp -d /tmp/barman.XXXXXX)
export HOME=$dir PGHOST=$dir PGUSER=test PGDATABASE=postgres
PATH=$(dirname "$(readlink -f "$(command -v postgres ||
    echo /usr/lib/postgresql/*/bin/postgres)")"):$PATH
to="--endpoint-url $S3_URL"
end()
{
	pg_ctl -D "$dir/a" -m immediate stop >/dev/null 2>&1 || :
	pg_ctl -D "$dir/b" -m immediate stop >/dev/null 2>&1 || :
	rm -rf "$dir"
}
trap end EXIT
cd "$dir"

# begin DATA [setting ...]
begin()
{
	local data=$1
	shift
	printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$dir'" \
	    "fsync = off" "$@" >>"$data/postgresql.conf"
	pg_ctl -D "$data" -w -t 120 -l "$dir/log" start || { cat log; exit 1; }
}

all()
{
	psql -qAt -c "SELECT count(*), md5(string_agg(i || t, '' ORDER BY i))
	    FROM data"
}

"$bin/python" -c "
import boto3
boto3.client('s3', endpoint_url='$S3_URL').create_bucket(Bucket='barman')"
initdb -U test -A trust -D a >/dev/null
begin a "archive_mode = on" "archive_timeout = 5" "wal_level = replica" \
    "archive_command = '$bin/barman-cloud-wal-archive -z $to s3://barman pg %p'"
psql -qc "CREATE TABLE data AS SELECT i, repeat(md5(i::text), 20) AS t
    FROM generate_series(1, 20000) AS i"
"$bin/barman-cloud-backup" $to --immediate-checkpoint -z -J 2 -h "$dir" -U test s3://barman pg
psql -qc "INSERT INTO data SELECT i, md5(i::text)
    FROM generate_series(20001, 30000) AS i"
want=$(all)
last=$(psql -qAt -c "SELECT pg_walfile_name(pg_current_wal_lsn())")
psql -qAt -c "SELECT pg_switch_wal()" >/dev/null
for _ in $(seq 600); do
	[[ $(psql -qAt -c "SELECT last_archived_wal FROM pg_stat_archiver") < \
	    $last ]] || break
	sleep 0.1
done
pg_ctl -D a -m immediate stop >/dev/null
rm -rf a

backup=$("$bin/barman-cloud-backup-list" $to --format json s3://barman pg |
    "$bin/python" -c "import json, sys
print(json.load(sys.stdin)['backups_list'][0]['backup_id'])")
"$bin/barman-cloud-restore" $to s3://barman pg "$backup" "$dir/b"
chmod 700 b
: >b/recovery.signal
begin b "archive_mode = off" \
    "restore_command = '$bin/barman-cloud-wal-restore $to s3://barman pg %f %p'"
for _ in $(seq 600); do
	[ "$(psql -qAt -c 'SELECT pg_is_in_recovery()')" = t ] || break
	sleep 0.1
done
[ "$(all)" = "$want" ] && [ "${want%%|*}" = 30000 ] || {
	cat log
	exit 1
}
