# What the system must offer, where it is looked for, and how it is installed. Expects $root.
# shellcheck shell=bash disable=SC2154

# What is installed for this repository alone.
tools=${CARGO_TARGET_DIR:-$root/target}/tools

oldest_postgres=15
oldest_rabbitmq=3.10
oldest_python=3.11
oldest_node=18.19
packages='postgresql rabbitmq-server libpq-dev pkg-config gcc libc6-dev ca-certificates curl openssl python3 python3-venv pgbouncer tinyproxy jq chromium chromium-driver nodejs npm'

at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# Prints the folder of the newest server that is new enough; some machines hold binaries without a package.
find_postgres() {
    local server version newest=0 found=
    for server in "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres \
        /usr/local/pgsql/bin/postgres /usr/bin/postgres; do
        [ -x "$server" ] || continue
        server=$(readlink -f "$server")
        [ -x "$(dirname "$server")/initdb" ] || continue
        version=$("$server" --version | grep -oE '[0-9]+' | head -n 1)
        if [ "$version" -ge "$oldest_postgres" ] && [ "$version" -gt "$newest" ]; then
            newest=$version found=$(dirname "$server")
        fi
    done
    [ -n "$found" ] && printf '%s\n' "$found"
}

# Prints the folder of RabbitMQ's own scripts; the wrappers in /usr/sbin refuse everyone but root and rabbitmq.
# BELLHOP_RABBITMQ_FOLDER names one that is to be used instead.
find_rabbitmq() {
    local folder version
    [ -z "${BELLHOP_RABBITMQ_FOLDER:-}" ] || { printf '%s\n' "$BELLHOP_RABBITMQ_FOLDER"; return 0; }
    for folder in /usr/lib/rabbitmq/bin /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin /opt/rabbitmq/sbin \
        /opt/rabbitmq_server-*/sbin /usr/local/lib/rabbitmq/sbin; do
        [ -x "$folder/rabbitmq-server" ] || continue
        version=$(readlink -f "$folder/rabbitmq-server" | grep -oE 'rabbitmq_server-[0-9.]+' | cut -d- -f2)
        [ -z "$version" ] || at_least "$oldest_rabbitmq" "$version" || continue
        printf '%s\n' "$folder"
        return 0
    done
    return 1
}

find_libpq() {
    pkg-config --exists libpq 2>/dev/null || [ -e "$(pg_config --libdir 2>/dev/null)/libpq.so" ]
}

# Servers are where an ordinary user's PATH may not lead.
find_program() {
    PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$1" >/dev/null
}

# Prints the first Python that is new enough and can make an environment of its own, which Debian's alone cannot.
find_python() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import sys, venv, ensurepip
sys.exit(sys.version_info < tuple(map(int, sys.argv[1].split("."))))' "$oldest_python" 2>/dev/null || continue
        printf '%s\n' "$python"
        return 0
    done
    return 1
}

find_node() {
    local version
    version=$(node --version 2>/dev/null) && at_least "$oldest_node" "${version#v}"
}

list_missing() {
    if [[ " $* " == *' servers '* ]]; then
        [ -n "${DATABASE_URL:-}" ] || find_postgres >/dev/null || printf 'postgresql\n'
        [ -n "${AMQP_URL:-}" ] || find_rabbitmq >/dev/null || printf 'rabbitmq-server\n'
    fi
    if [[ " $* " == *' build '* ]]; then
        find_libpq || printf 'libpq-dev\n'
        command -v pkg-config >/dev/null || printf 'pkg-config\n'
        command -v cc >/dev/null || printf 'gcc\nlibc6-dev\n'
        [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -d /etc/pki/tls/certs ] || printf 'ca-certificates\n'
    fi
    if [[ " $* " == *' clients '* ]]; then
        command -v curl >/dev/null || printf 'curl\n'
        command -v openssl >/dev/null || printf 'openssl\n'
        command -v python3 >/dev/null || printf 'python3\n'
        find_program pgbouncer || printf 'pgbouncer\n'
        find_program tinyproxy || printf 'tinyproxy\n'
        command -v jq >/dev/null || printf 'jq\n'
    fi
    if [[ " $* " == *' browser '* ]]; then
        # Ubuntu has Chromium as a snap alone: there the tests say what to install.
        command -v chromedriver >/dev/null || grep -qsx 'ID=ubuntu' /etc/os-release || printf 'chromium\nchromium-driver\n'
        command -v npm >/dev/null || printf 'npm\n'
        find_node || printf 'nodejs\n'
    fi
    if [[ " $* " == *' python '* ]]; then
        find_python >/dev/null || printf 'python3-venv\n'
    fi
}

as_superuser() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_become_superuser() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

explain_installation() {
    local missing=$1
    say "missing: $missing"
    if command -v apt-get >/dev/null; then
        say "install it with:  sudo apt-get update && sudo apt-get install --no-install-recommends -y $missing"
    elif command -v dnf >/dev/null; then
        say "install it with:  sudo dnf install -y postgresql-server rabbitmq-server libpq-devel pkgconf-pkg-config gcc ca-certificates curl openssl python3 pgbouncer tinyproxy chromium chromedriver nodejs npm"
    elif command -v pacman >/dev/null; then
        say "install it with:  sudo pacman -S --needed postgresql rabbitmq postgresql-libs pkgconf gcc ca-certificates curl openssl python pgbouncer tinyproxy chromium nodejs npm"
    else
        say "install PostgreSQL $oldest_postgres or newer (the server), RabbitMQ $oldest_rabbitmq or newer, libpq with its headers,"
        say "pkg-config, a C compiler, a CA bundle, and for scripts/test curl, OpenSSL, PgBouncer, tinyproxy, Chromium with its driver,"
        say "Node.js $oldest_node or newer with npm, and Python $oldest_python or newer with venv and ensurepip;"
        say "on Debian these are: $packages"
    fi
    case $missing in
        *postgresql* | *rabbitmq*)
            say 'or set DATABASE_URL and AMQP_URL to servers of yours (scripts/test uses them, scripts/demo does not)' ;;
    esac
    exit 1
}

policy=/usr/sbin/policy-rc.d
policy_mark='bellhop: keeps servers from being started while they are installed'

# Removes only what we put there, also after an earlier run was killed.
remove_policy() {
    if grep -qsF "$policy_mark" "$policy"; then as_superuser rm -f "$policy"; fi
}

# The servers just installed are for our private use: the system shall not start its own ones, now or at boot.
install_packages() {
    local missing=$1 service services=()
    say "installing $missing"
    case " $missing " in *' postgresql '*) services+=(postgresql) ;; esac
    case " $missing " in *' rabbitmq-server '*) services+=(rabbitmq-server) ;; esac
    case " $missing " in *' pgbouncer '*) services+=(pgbouncer) ;; esac
    case " $missing " in *' tinyproxy '*) services+=(tinyproxy) ;; esac
    # Erlang brings a server of its own.
    command -v epmd >/dev/null || services+=(epmd.socket epmd)
    trap remove_policy EXIT
    remove_policy
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" | as_superuser tee "$policy" >/dev/null
        as_superuser chmod +x "$policy"
    fi
    as_superuser apt-get update -q >&2 || say 'apt-get update failed; trying with the lists that are there'
    # shellcheck disable=SC2086 # several packages
    as_superuser env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2 ||
        die "apt-get could not install: $missing"
    remove_policy
    trap - EXIT
    for service in "${services[@]}"; do
        as_superuser systemctl disable "$service" >/dev/null 2>&1 || true
        as_superuser update-rc.d "$service" disable >/dev/null 2>&1 || true
    done
}

# require_system servers|build|python…: installs what is missing for these, or says how.
require_system() {
    local missing
    [ -r /proc/net/tcp ] || die 'these scripts need Linux; elsewhere use docker compose up'
    missing=$(list_missing "$@" | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || return 0
    if command -v apt-get >/dev/null && may_become_superuser; then
        install_packages "$missing"
        missing=$(list_missing "$@" | tr '\n' ' ')
        [ -z "$missing" ] || die "still missing after the installation: ${missing% }
This distribution's packages are too old: PostgreSQL $oldest_postgres (https://www.postgresql.org/download/linux/),
RabbitMQ $oldest_rabbitmq (https://www.rabbitmq.com/docs/install-debian), Python $oldest_python and Node.js $oldest_node are needed."
    else
        explain_installation "$missing"
    fi
}

# Puts Prometheus and promtool into $tools/bin if the system has none. The rest of Debian's package is not installed.
require_prometheus() {
    local folder=$tools/bin package
    if command -v promtool >/dev/null && command -v prometheus >/dev/null; then return 0; fi
    if [ -x "$folder/promtool" ] && [ -x "$folder/prometheus" ]; then return 0; fi
    say 'installing Prometheus'
    mkdir -p "$folder"
    package=$(mktemp -d)
    if ! (
        cd "$package" || exit 1
        { apt-get download -q prometheus || { as_superuser apt-get update -q && apt-get download -q prometheus; }; } >&2
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool ./usr/bin/prometheus
    ) || ! mv "$package"/usr/bin/prom* "$folder/"; then
        die 'no Prometheus: install it'
    fi
    rm -rf "$package"
}

# Installs what judges pages in browser tests into $tools/pages, in the versions that are pinned here.
require_page_checkers() {
    local pins=scripts/lib/pages folder=$tools/pages
    if cmp -s "$pins/package-lock.json" "$folder/pins"; then return 0; fi
    say 'installing axe-core and html-validate'
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$pins"/package*.json "$folder/"
    (cd "$folder" && npm ci --silent --ignore-scripts --no-audit --no-fund >&2) ||
        die 'npm could not install axe-core and html-validate'
    cp "$pins/package-lock.json" "$folder/pins"
}

oldest_cargo=1.95

require_cargo() {
    local version
    if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
        PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    fi
    version=$(cargo --version 2>/dev/null | cut -d' ' -f2 || true)
    if [ -z "$version" ] || ! at_least "$oldest_cargo" "$version"; then
        say "missing: cargo $oldest_cargo or newer${version:+ (this is $version)}"
        say "get it with:  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile default"
        say "or, where rustup is, with:  rustup update stable"
        exit 1
    fi
}
