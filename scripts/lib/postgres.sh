# A private Postgres. Expects $state, $id, $password, $postgres_port; and, where it has settings of its own, the array
# $postgres_settings of the server's options.
# shellcheck shell=bash disable=SC2154 # those variables belong to scripts/services

[ -v postgres_settings ] || postgres_settings=()

pg_data() { printf '%s/postgres/data' "$state"; }

# Postgres refuses to run as root; as root it runs as the first unprivileged user that there is.
as_server_user() { (become_server_user "$@"); }

# Ends the shell that calls it: what is to stay in the background is the command alone.
become_server_user() {
    if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid="$(server_user)" --regid="$(id -g "$(server_user)")" --clear-groups -- "$@"
    else
        exec "$@"
    fi
}

server_user() {
    if id postgres >/dev/null 2>&1; then printf 'postgres\n'; else printf 'nobody\n'; fi
}

list_postgres() { list_pids_with_argument "bellhop-postgres-$id"; }

initialise_postgres() {
    local bin=$1 passwords
    rm -rf "$state/postgres"
    mkdir -m 700 "$state/postgres"
    passwords=$state/postgres/password
    printf '%s\n' "$password" >"$passwords"
    [ "$(id -u)" != 0 ] || chown -R "$(server_user)" "$state/postgres"
    as_server_user env -i PATH="$PATH" LC_ALL=C "$bin/initdb" --pgdata="$(pg_data)" --username=bellhop --pwfile="$passwords" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C >"$state/log/initdb.log" 2>&1 || return 1
    # Single-user mode creates the database without a client: some machines have the server only.
    printf 'CREATE DATABASE bellhop\n' |
        as_server_user env -i PATH="$PATH" LC_ALL=C "$bin/postgres" --single -D "$(pg_data)" postgres >>"$state/log/initdb.log" 2>&1 ||
        return 1
    rm -f "$passwords"
    as_server_user touch "$state/postgres/complete"
}

# The eighth line of the lock file is the server's own word on whether it takes connections, the first its number:
# when it was killed, its children outlive it for a moment.
postgres_is_ready() {
    local lock
    mapfile -t lock < <(as_server_user cat "$(pg_data)/postmaster.pid" 2>/dev/null)
    [[ ${lock[7]:-} == ready* ]] && list_postgres | grep -qx "${lock[0]}"
}

launch_postgres() {
    local bin
    bin=$(find_postgres) || die 'no PostgreSQL server found'
    [ -e "$state/postgres/complete" ] || initialise_postgres "$bin" || return 1
    # Nothing of ours runs now, so a lock file is a dead server's; its number may be a stranger's by now.
    as_server_user rm -f "$(pg_data)/postmaster.pid"
    become_server_user env -i PATH="$PATH" LC_ALL=C setsid "$bin/postgres" -D "$(pg_data)" \
        -c listen_addresses=127.0.0.1 -c port="$postgres_port" -c unix_socket_directories= \
        -c cluster_name="bellhop-postgres-$id" -c max_connections=300 -c timezone=UTC -c logging_collector=off \
        ${BELLHOP_SHARED_BUFFERS:+-c shared_buffers="$BELLHOP_SHARED_BUFFERS"} "${postgres_settings[@]}" \
        </dev/null >>"$state/log/postgres.log" 2>&1 6>&- 9>&- &
    disown
    wait_until 60 true_or_gone $! postgres_is_ready && postgres_is_ready
}

stop_postgres() {
    local postmaster
    postmaster=$(as_server_user sed -n 1p "$(pg_data)/postmaster.pid" 2>/dev/null || true)
    # SIGINT to the first process is the orderly way; the rest is for what a kill left behind.
    if [ -n "$postmaster" ] && list_postgres | grep -qx "$postmaster"; then
        kill -INT "$postmaster" 2>/dev/null || true
        wait_until 20 none_left list_postgres && return 0
    fi
    end_processes QUIT 10 list_postgres
}
