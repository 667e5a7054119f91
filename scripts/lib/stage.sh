# A stage of its own for one play: private servers, a build, logs; afterwards nothing is left but the logs.
# Expects $root and $stage, the play's name; where that is needed unmount_disk, and for other programs than all of them as
# they are developed $profile (release) and the array $built, cargo's words for what is built, and for other servers than a
# single one of each $servers, the script that starts them. Sets $run, $logs and $programs. Every program of the play must bear BELLHOP_STAGE=$run in its environment: by that it is found.
# shellcheck shell=bash disable=SC2154,SC2034 # some belong to the script of the play, some are for it

run=$root/.run/$stage
logs=$run/logs
programs=${CARGO_TARGET_DIR:-$root/target}/${profile:-debug}
[ -v servers ] || servers=scripts/services
[ -v built ] || built=(--workspace --bins)
# Always private: what these name is somebody's.
unset DATABASE_URL AMQP_URL RABBITMQ_API_URL
export BELLHOP_RUN_DIR=$run

list_leftovers() { list_pids_with_variable "BELLHOP_STAGE=$run"; }

stop_everything() {
    local code=$?
    trap '' INT TERM HUP
    say "${dim}stopping${plain}"
    end_processes TERM 30 list_leftovers
    "$servers" stop 7>&- || true
    ! declare -F unmount_disk >/dev/null || unmount_disk
    "$servers" clean 7>&- || true
    exit $code
}

# One play of a kind at a time for each checkout; what a killed one left behind ends here.
begin_stage() {
    mkdir -p "$run" || die "cannot write to $run"
    [ -w "$run" ] || die "cannot write to $run"
    exec 7>"$run/lock"
    # What a killed play had started in passing, such as a sleep, may hold the lock a moment longer.
    flock -w 3 7 || die "scripts/$stage runs already in this checkout"
    trap stop_everything EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    end_processes KILL 10 list_leftovers
    "$servers" clean 7>&-
    rm -rf "$logs" "$run/env"
    mkdir -p "$logs"
}

build_and_start_servers() {
    local starting
    say "${bold}starting a private PostgreSQL and RabbitMQ, building Bellhop${plain} (some minutes at the first time)"
    # Its own session: Ctrl-C here must not hit a database that is being made.
    setsid "$servers" start 7>&- &
    starting=$!
    cargo build --locked ${profile:+--profile "$profile"} "${built[@]}" 7>&- ||
        die 'the build failed'
    wait "$starting" || die 'PostgreSQL and RabbitMQ did not start'
}

# The addresses of the play's servers, as variables.
find_servers() {
    local lines
    lines=$("$servers" env 7>&-) || die 'PostgreSQL and RabbitMQ do not run'
    eval "$lines"
}
