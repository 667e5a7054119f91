# A private RabbitMQ. Expects $state, $id, $password and its four ports; for the nodes of a cluster also
# $epmd_is_shared, and $starts_within, in seconds.
# shellcheck shell=bash disable=SC2154 # those variables belong to scripts/services

list_rabbitmq() { list_pids_with_variable "BELLHOP_RABBITMQ=$id"; }

configure_rabbitmq() {
    local home=$state/rabbitmq
    mkdir -p "$home/conf.d" "$home/log"
    chmod 700 "$home"
    if [ ! -e "$home/.erlang.cookie" ]; then
        (umask 377 && random_word >"$home/.erlang.cookie")
    fi
    printf '[rabbitmq_management].\n' >"$home/enabled_plugins"
    : >"$home/rabbitmq-env.conf"
    cat >"$home/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$amqp_port
management.tcp.ip = 127.0.0.1
management.tcp.port = $management_port
default_user = bellhop
default_pass = $password
default_user_tags.administrator = true
loopback_users = none
raft.wal_max_size_bytes = 67108864
log.console = true
log.console.level = info
log.file = false
END
}

# Becomes a command as our node sees the world. HOME is for its cookie, and for this process only.
become_part_of_rabbitmq() {
    local home=$state/rabbitmq
    exec env -i PATH="$PATH:/usr/sbin:/sbin" LANG=C.UTF-8 HOME="$home" BELLHOP_RABBITMQ="$id" RUNNING_UNDER_SYSTEMD=true \
        ERL_EPMD_PORT="$epmd_port" ERL_EPMD_ADDRESS=127.0.0.1 \
        RABBITMQ_NODENAME="bellhop-$id@localhost" RABBITMQ_DIST_PORT="$distribution_port" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
        RABBITMQ_CONF_ENV_FILE="$home/rabbitmq-env.conf" RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" \
        RABBITMQ_CONFIG_FILES="$home/conf.d" RABBITMQ_ADVANCED_CONFIG_FILE="$home/advanced.config" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins" RABBITMQ_GENERATED_CONFIG_DIR="$home/generated" \
        RABBITMQ_MNESIA_BASE="$home/mnesia" RABBITMQ_MNESIA_DIR="$home/mnesia/node" RABBITMQ_LOG_BASE="$home/log" \
        RABBITMQ_PID_FILE="$home/pid" \
        "$@"
}

# Both faces answer, and the node says of itself that no alarm is in force.
rabbitmq_is_ready() {
    local login
    login="Authorization: Basic $(printf 'bellhop:%s' "$password" | base64 -w0)"
    ! port_is_free "$amqp_port" && answers_with_200 "$management_port" /api/vhosts "$login" &&
        answers_with_200 "$management_port" /api/health/checks/local-alarms "$login"
}

# The names of the nodes and their ports.
launch_epmd() {
    become_part_of_rabbitmq setsid epmd -address 127.0.0.1 -port "$epmd_port" </dev/null >>"$state/log/epmd.log" 2>&1 6>&- 9>&- &
    disown 2>/dev/null || true
}

launch_rabbitmq() {
    local bin
    bin=$(find_rabbitmq) || die 'no RabbitMQ server found'
    configure_rabbitmq
    [ -n "${epmd_is_shared:-}" ] || launch_epmd
    become_part_of_rabbitmq setsid "$bin/rabbitmq-server" </dev/null >>"$state/log/rabbitmq.log" 2>&1 6>&- 9>&- &
    disown 2>/dev/null || true
    wait_until "${starts_within:-90}" true_or_gone $! rabbitmq_is_ready && rabbitmq_is_ready
}

control_rabbitmq() {
    local bin
    bin=$(find_rabbitmq) || die 'no RabbitMQ server found'
    open_state || die 'not started; see scripts/services start'
    become_part_of_rabbitmq "$bin/rabbitmqctl" "$@"
}

# The node ends in order on SIGTERM; epmd knows only its own kill.
stop_rabbitmq() {
    end_processes TERM 20 list_rabbitmq
}

forget_rabbitmq() {
    rm -rf "$state/rabbitmq"
}
