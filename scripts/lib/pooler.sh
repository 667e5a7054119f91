# A private PgBouncer. Expects $state, $id, $password, $pooler_port.
# shellcheck shell=bash disable=SC2154 # those variables belong to scripts/cluster

pooler_settings() { printf '%s/%s.ini' "$state" "$id"; }

# The file's name has the mark.
list_pooler() { list_pids_with_argument "$(pooler_settings)"; }

# configure_pooler PORT: leads to the Postgres on this port of the loopback.
configure_pooler() {
    local settings user
    settings=$(pooler_settings)
    # The programs' own users have the same password.
    for user in bellhop bellhop_processor bellhop_sender bellhop_desk; do
        printf '"%s" "%s"\n' "$user" "$password"
    done >"$state/users.txt"
    cat >"$settings.new" <<END
[databases]
* = host=127.0.0.1 port=$1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir =
auth_type = plain
auth_file = $state/users.txt
pool_mode = session
default_pool_size = 60
max_client_conn = 400
; Seconds for which clients are refused after Postgres was: PgBouncer's own 15 would be added to every promotion.
server_login_retry = 1
END
    [ "$(id -u)" != 0 ] || chown "$(server_user)" "$settings.new" "$state/users.txt"
    chmod 600 "$settings.new" "$state/users.txt"
    mv "$settings.new" "$settings"
}

pooler_is_ready() { ! port_is_free "$pooler_port" && [ -n "$(list_pooler)" ]; }

launch_pooler() {
    local program
    program=$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v pgbouncer) || die 'no PgBouncer found'
    become_server_user env -i PATH="$PATH" setsid "$program" "$(pooler_settings)" \
        </dev/null >>"$state/log/pooler.log" 2>&1 6>&- 9>&- &
    disown
    wait_until 20 true_or_gone $! pooler_is_ready && pooler_is_ready
}

# It reads its settings again. Its connections to another Postgres end with the sessions that have them.
reload_pooler() {
    local pids
    pids=$(list_pooler)
    # shellcheck disable=SC2086 # several numbers
    [ -z "$pids" ] || kill -HUP $pids
}

stop_pooler() { end_processes TERM 10 list_pooler; }
