# Finding and ending our own processes, free ports, and asking a port, with bash and /proc alone.
#
# A process is ours when its command line or its environment holds a mark that only we know.
# No pid file has to be trusted: after a crash or a reboot the same number may belong to a stranger.
# shellcheck shell=bash

# The pattern goes through a file descriptor, so that grep does not find itself.
list_pids_with_argument() {
    grep -laF -f <(printf '%s\n' "$1") /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 || true
}

# Sees processes of the calling user only.
list_pids_with_variable() {
    grep -lazxF -f <(printf '%s\n' "$1") /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 || true
}

# wait_until SECONDS COMMAND…: true as soon as the command is, false when the time is up. It looks every $look_every seconds.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep "${look_every:-0.1}"
    done
}

# true_or_gone PID COMMAND…: whether the command is true, or the process has ended and it never will be.
true_or_gone() {
    local pid=$1
    shift
    "$@" || ! kill -0 "$pid" 2>/dev/null
}

none_left() {
    [ -z "$("$@")" ]
}

# end_processes SIGNAL SECONDS LISTING…: signals what the listing finds, and kills what is still there in the end.
end_processes() {
    local signal=$1 seconds=$2 pids
    shift 2
    pids=$("$@")
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086 # several numbers
    kill "-$signal" $pids 2>/dev/null || true
    wait_until "$seconds" none_left "$@" && return 0
    # shellcheck disable=SC2046 # several numbers
    kill -KILL $("$@") 2>/dev/null || true
    wait_until 5 none_left "$@" || die "cannot end the processes $("$@" | tr '\n' ' ')"
}

# A port is taken by any socket on it that is not merely waiting for its end (state 06).
port_is_free() {
    ! grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") [0-9A-F]+:[0-9A-F]{4} 0[^6]" \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Chooses COUNT free ports below those that the kernel gives to outgoing connections.
choose_free_ports() {
    local count=$1 chosen=' ' port
    while [ "$count" -gt 0 ]; do
        port=$((20000 + RANDOM % 12000))
        case $chosen in *" $port "*) continue ;; esac
        port_is_free "$port" || continue
        chosen="$chosen$port "
        count=$((count - 1))
    done
    printf '%s\n' "$chosen"
}

# ask_http PORT PATH [HEADER]: prints the whole answer. curl need not be there.
ask_http() {
    {
        printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n%sConnection: close\r\n\r\n' "$2" "${3:+$3$'\r\n'}" >&8
        timeout 10 cat <&8
    } 2>/dev/null 8<>"/dev/tcp/127.0.0.1/$1"
}

answers_with_200() {
    [[ $(ask_http "$@" | head -n 1 || true) == *' 200 '* ]]
}

random_word() {
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}
