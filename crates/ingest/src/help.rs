//! What `--help` teaches.

/// The body of `--help`.
pub const HELP: &str = "\
Takes webhooks of booking platforms and notifications of WhatsApp, checks who sent them and what they say, seals them and
publishes them to RabbitMQ. 200 is answered only after RabbitMQ has confirmed; it needs no database.

Endpoints:
  POST /webhooks/{source}           one event as JSON; sources are files in BELLHOP_CONFIG/sources
  POST /webhooks/{source}/{token}   the same, for sources of the scheme url-token
  GET, POST /webhooks/whatsapp      Meta's handshake and notifications
  GET /openapi.json                 the interface, for machines
  GET /healthz, /readyz, /metrics   alive; can work, or what is missing; Prometheus text

Environment (required where no default is named):
  AMQP_URL                  RabbitMQ, amqp://user:password@host:5672/vhost or amqps://…; the vhost is ours alone
  SSL_CERT_FILE             certificate authorities that amqps:// trusts instead of the system's, a file in PEM form; and
  SSL_CERT_DIR              folders of such files, separated by colons
  BELLHOP_CONFIG            folder with resorts/*.toml and sources/*.toml; read again within 5 s of a change, and on SIGHUP
  BELLHOP_KEYS              key ring: ID:BASE64(32 bytes), separated by commas or lines; the first seals, all open,
                            `lookup` is for looking up phone numbers
  BELLHOP_KEYS_FILE         the same in a file; set one of the two
  INGEST_ADDR               where to listen [0.0.0.0:8080]
  INGEST_CONFIRM_TIMEOUT    how long RabbitMQ may take to confirm before 503 [5s]
  INGEST_LINGER             how long webhooks are still taken after SIGTERM, while /readyz says no and every answer closes
                            its connection: as long as your balancer needs to notice, 10s at most [5s]
  INGEST_TRUSTED_PROXIES    networks whose X-Forwarded-For is believed, 10.0.0.0/8,fd00::/8 [none]; set it when a proxy
                            stands before this program, else all callers share the proxy's address
  WHATSAPP_APP_SECRETS      of Meta's apps that notify us, separated by commas; any may sign [no notifications are taken]
  WHATSAPP_VERIFY_TOKEN     what Meta's handshake must bring [no handshake succeeds]
  RUST_LOG                  what is logged: error, warn, info, debug, trace, also per module [info]; libraries never log
                            below info, because their debug output may hold personal data
  LOG_FORMAT                json or text [text on a terminal, else json]

Signals: SIGTERM and SIGINT finish the work in hand, 30 s at most; SIGHUP reads the files again.
Exit codes: 0 after a stop, 2 for wrong settings (all named on stderr), 1 otherwise.
Try: curl localhost:8080/readyz
";
