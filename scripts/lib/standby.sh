# A standby of a private Postgres. Expects $cluster, $password, and port_of, other_than, become and start_member of scripts/cluster.
# shellcheck shell=bash disable=SC2154 # those belong to scripts/cluster

say_to_postgres() {
    local member=$1
    shift
    printf '%s\n' "$@" | env -i PATH="$PATH" PGPASSWORD="$password" "$(find_postgres)/psql" -qAtX -v ON_ERROR_STOP=1 \
        -h 127.0.0.1 -p "$(port_of "$member")" -U bellhop -d postgres
}

# A copy of the other member's data, which follows it from now on. Commits wait for it.
make_standby() {
    local other bin
    bin=$(find_postgres)
    other=$(other_than "$1")
    become "$1"
    rm -rf "$state/postgres"
    mkdir -m 700 "$state/postgres"
    [ "$(id -u)" != 0 ] || chown "$(server_user)" "$state/postgres"
    as_server_user env -i PATH="$PATH" LC_ALL=C PGPASSWORD="$password" "$bin/pg_basebackup" --checkpoint=fast --wal-method=stream \
        --write-recovery-conf --pgdata="$(pg_data)" \
        --dbname="host=127.0.0.1 port=$(port_of "$other") user=bellhop application_name=$1" >>"$cluster/log/$1/copy.log" 2>&1 ||
        die "cannot copy the data of $other for $1"
    as_server_user touch "$state/postgres/complete"
    # What the primary was told of its own standby came with the copy.
    as_server_user sed -i '/^synchronous_standby_names/d' "$(pg_data)/postgresql.auto.conf"
    start_member "$1"
    wait_until 30 streams_to "$other" "$1" || die "$1 does not follow $other"
    say_to_postgres "$other" "ALTER SYSTEM SET synchronous_standby_names = '$1';" 'SELECT pg_reload_conf()' >/dev/null
}

streams_to() {
    [ "$(say_to_postgres "$1" "SELECT count(*) FROM pg_stat_replication WHERE application_name = '$2' AND state = 'streaming'")" = 1 ]
}

promote() {
    become "$1"
    as_server_user env -i PATH="$PATH" LC_ALL=C "$(find_postgres)/pg_ctl" promote --pgdata="$(pg_data)" >>"$cluster/log/$1/promote.log" 2>&1 ||
        die "cannot promote $1"
}
