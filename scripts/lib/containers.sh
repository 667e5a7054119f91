# Containers on this machine, apart from its own: images, caches and settings lie under .run/image. Expects $root.
# shellcheck shell=bash disable=SC2154

house=$root/.run/image

# Installs what is missing, and makes every later call of buildah and podman find only what is ours.
require_containers() {
    local missing=''
    command -v buildah >/dev/null || missing+=' buildah'
    command -v podman >/dev/null || missing+=' podman'
    command -v runc >/dev/null || missing+=' runc'
    command -v mmdebstrap >/dev/null || missing+=' mmdebstrap'
    if [ -n "$missing" ]; then
        command -v apt-get >/dev/null || explain_installation "${missing# }"
        install_packages "${missing# }"
    fi
}

# Says for later calls of buildah and podman where images and containers are.
use_own_storage() {
    mkdir -p "$house/tmp" "$house/run"
    cat >"$house/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$house/storage"
runroot = "$house/run"
END
    # Given, since the default is more than a machine allows that is itself a container.
    cat >"$house/containers.conf" <<END
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
END
    export CONTAINERS_STORAGE_CONF=$house/storage.conf CONTAINERS_CONF=$house/containers.conf TMPDIR=$house/tmp
}

# make_container_programs IMAGE FOLDER MOUNTED…: files that start the image's program of the same name as a production system
# should. The program gets the caller's variables, and reads the mounted folders, and nothing else.
make_container_programs() {
    local image=$1 folder=$2 mounts='' mounted name
    shift 2
    use_own_storage
    for mounted in "$@"; do mounts+=" --volume $(printf %q "$mounted:$mounted:ro")"; done
    rm -rf "$folder"
    mkdir -p "$folder"
    cat >"$folder/container" <<END
#!/bin/bash
# Runs the program of this file's name in a container.
variables=() stage=\${BELLHOP_STAGE:-}
while read -r name; do
    case \$name in PATH | HOME | LANG | PWD | OLDPWD | SHLVL | _ | BELLHOP_STAGE) ;; *) variables+=(--env "\$name") ;; esac
done < <(compgen -e)
# The mark is for the program: it is the one that is asked to end.
unset BELLHOP_STAGE
export CONTAINERS_STORAGE_CONF=$(printf %q "$CONTAINERS_STORAGE_CONF") CONTAINERS_CONF=$(printf %q "$CONTAINERS_CONF")
exec podman run --rm --network host --read-only --read-only-tmpfs=false --cap-drop ALL --security-opt no-new-privileges \\
    --memory 256m "\${variables[@]}" --env BELLHOP_STAGE="\$stage"$mounts $(printf %q "$image") "\${0##*/}" "\$@"
END
    chmod +x "$folder/container"
    for name in ingest processor sender desk sandbox is-ready; do ln -s container "$folder/$name"; done
}
