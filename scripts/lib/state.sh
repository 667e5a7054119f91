# Where private servers keep their state. Expects $run_dir; sets $state.
# shellcheck shell=bash disable=SC2154

# Of 6 GiB the tests use one or two.
memory_has_room() {
    local free
    free=$(df --output=avail -B1M /dev/shm 2>/dev/null | tail -n 1) || return 1
    [ -w /dev/shm ] && [ "$free" -ge 6144 ]
}

# make_state_folder NAME: makes an empty $run_dir/NAME, or a link of that name to a folder elsewhere: root's folders may be
# closed to Postgres' user, and RabbitMQ's scripts split paths at blanks.
make_state_folder() {
    local place
    [ -w "$run_dir" ] || die "cannot write to $run_dir"
    rm -rf "${run_dir:?}/$1"
    case $(id -u)$run_dir${BELLHOP_SERVICES_IN_MEMORY:-} in
        0/* | *[!A-Za-z0-9/._-]* | *yes)
            place=/var/tmp
            [ "${BELLHOP_SERVICES_IN_MEMORY:-}" != yes ] || ! memory_has_room || place=/dev/shm
            [ -w "$place" ] || place=/tmp
            state=$(mktemp -d "$place/bellhop-XXXXXXXX")
            chmod 711 "$state"
            ln -s "$state" "$run_dir/$1"
            ;;
        *)
            state=$run_dir/$1
            mkdir -m 711 "$state"
            ;;
    esac
}
