#!/bin/bash
# An operator's first evening on a server with systemd; scripts/server runs it there, as root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/lib/terminal.sh
. scripts/lib/terminal.sh

began=$(date +%s%N)
# step WHAT: a milestone, with its time.
step() { printf '%6.1f s  %s\n' "$((($(date +%s%N) - began) / 100000000))e-1" "$1"; }

# expect WHAT TEXT COMMAND…: waits until the command says this.
expect() {
    local what=$1 text=$2 said=''
    shift 2
    for _ in $(seq 60); do
        said=$("$@" 2>&1 || true)
        case $said in *"$text"*) step "$what"; return 0 ;; esac
        sleep 0.5
    done
    die "$what: '$*' does not say '$text' but: $said"
}

status_of() { systemctl show --property StatusText --value "bellhop-$1"; }
all_are_ready() {
    local port
    for port in 8080 8081 8082 8083; do curl --silent "127.0.0.1:$port/readyz"; done
}
everything_ready='{"status":"ready"}{"status":"ready"}{"status":"ready"}{"status":"ready"}'

install_here() { scripts/install --programs programs "$@" >/root/install.log 2>&1 || die "scripts/install failed: $(cat /root/install.log)"; }

# As docs/integrating.md signs with curl and openssl.
send_webhook() {
    local id at body key signature secret
    secret=$(sed -n 's/^WEBSITE_SECRET=//p' /etc/bellhop/ingest.env)
    id=msg_$1 at=$(date +%s)
    body='{"id":"'$1'","type":"reservation_confirmed","occurred_at":"'$(date -u +%FT%TZ)'","resort":"azure-bay","booking":{"id":"BK-1","check_in":"2030-12-20","check_out":"2030-12-27","room":"Sea view"},"guest":{"name":"Ada Lovelace","phone":"+306912345678","language":"en","consent":true}}'
    key=$(printf %s "${secret#whsec_}" | base64 --decode | od -An -tx1 | tr -d ' \n')
    signature=$(printf %s "$id.$at.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
    curl --silent http://127.0.0.1:8080/webhooks/website --header 'content-type: application/json' --header "webhook-id: $id" \
        --header "webhook-timestamp: $at" --header "webhook-signature: v1,$signature" --data "$body"
}

settle_in() {
    install_here --local-servers
    step 'installed; the database, the queues and the users are made'
    # With a tool of the resort's own, whose secret is processor's.
    sed '/^#\[webhook_out\]/,$s/^#//' deploy/example/resorts/azure-bay.toml >/etc/bellhop/resorts/azure-bay.toml
    cp deploy/example/sources/website.toml /etc/bellhop/sources/
    echo "AZURE_BAY_OUT_SECRET=whsec_$(head -c 24 /dev/urandom | base64)" >>/etc/bellhop/processor.env
    {
        echo "WEBSITE_SECRET=whsec_$(head -c 24 /dev/urandom | base64)"
        echo WHATSAPP_APP_SECRETS=app-secret
    } >>/etc/bellhop/ingest.env
    for name in sender desk; do echo AZURE_BAY_TOKEN=token >>/etc/bellhop/$name.env; done
    echo WHATSAPP_API_URL=http://127.0.0.1:8090 >>/etc/bellhop/common.env
    SANDBOX_APP_SECRET=app-secret SANDBOX_CALLBACK_URL=http://127.0.0.1:8080/webhooks/whatsapp \
        setsid programs/sandbox </dev/null >/root/sandbox.log 2>&1 &
    expect 'the files of a resort and a source are right' '0 errors' desk config check --secrets
    systemctl restart bellhop.target
    expect 'all four programs are ready' "$everything_ready" all_are_ready
}

go_wrong() {
    sed -i.good 's/bellhop_sender:/&x/' /etc/bellhop/sender.env
    systemctl restart bellhop-sender
    expect 'a wrong password is named' 'password authentication failed for user "bellhop_sender"' status_of sender
    mv /etc/bellhop/sender.env.good /etc/bellhop/sender.env
    mv /etc/bellhop/keys /etc/bellhop/keys.away
    systemctl restart bellhop-sender 2>/dev/null || true
    expect 'a missing key ring is named' 'AssertPathExists=/etc/bellhop/keys was not met' systemctl status bellhop-sender
    mv /etc/bellhop/keys.away /etc/bellhop/keys
    systemctl restart bellhop-sender
    systemctl stop rabbitmq-server
    expect 'a RabbitMQ that is away is named' 'cannot connect to RabbitMQ' status_of ingest
    expect 'and the platform is asked to send again' 'broker-unavailable' send_webhook evt_2
    systemctl start rabbitmq-server
    expect 'all are ready again' "$everything_ready" all_are_ready
    expect 'and take it' '"status":"accepted"' send_webhook evt_2
}

settle_in
expect 'a signed webhook is accepted' '"status":"accepted"' send_webhook evt_1
expect "its message was read on the guest's phone" 'reservation_confirmation  read' desk bookings show azure-bay BK-1
go_wrong
install_here
systemctl start bellhop-migrate
systemctl restart bellhop.target
expect 'installed again, as for a new version' "$everything_ready" all_are_ready
expect 'nothing is stuck, and nothing was lost' 'nothing is stuck' desk ledger check --margin 10s
restarts=$(systemctl show --property NRestarts --value bellhop-{migrate,ingest,processor,sender,desk} | tr -d '\n')
[ "$restarts" = 00000 ] || die "services were restarted by systemd: $restarts"
scripts/install --remove 2>/dev/null
[ -z "$(systemctl list-units --all --no-legend 'bellhop*')$(ls /usr/local/lib/bellhop 2>/dev/null)" ] || die 'something is left after the removal'
step 'removed'
