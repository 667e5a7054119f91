//! `desk serve`

use clap::Args;
use service::{Environment, Failure, Stop};

use super::Answer;
use crate::settings::ServeSettings;
use crate::web;

/// Serve the desk's page, on which support staff do in a browser what the other commands do
///
/// Members of the staff sign in by a link (desk staff link) or by their token, or a gateway names them in a header. Each
/// has a role, and works for all resorts or for some (desk staff role). The pages need no script, and load nothing from
/// other hosts. Any number may serve at once; they empty the dead queues every 5 s and carry jobs out (desk letters jobs).
///
/// Environment, beside that of all commands:
///   DESK_ADDR                 where it listens [127.0.0.1:8083]
///   DESK_PUBLIC_URL           the address that people type, https unless it is loopback [http://127.0.0.1:8083]
///   DESK_TRUSTED_USER_HEADER  header in which a gateway names the member; and
///   DESK_TRUSTED_PROXIES      the gateway's networks, from which alone it is believed; both or neither
///   WHATSAPP_API_URL          where guests' files are fetched when a member opens one; by default Meta's
///   WHATSAPP_API_VERSION      its version [v25.0]
///   HTTPS_PROXY, HTTP_PROXY, NO_PROXY   the way there, as curl reads them
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG and BELLHOP_KEYS; and, to open guests' files, the access tokens where the
/// resorts' files say they are.
///
/// Endpoints: the pages; GET /healthz; GET /readyz and /metrics, for loopback and the trusted proxies only.
/// Signals:   SIGTERM and SIGINT finish the requests in hand and end; SIGHUP reads the files again.
///
/// Examples:
///   desk serve
///   DESK_ADDR=127.0.0.1:9000 DESK_PUBLIC_URL=http://127.0.0.1:9000 desk serve
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

pub(super) async fn run(_: &Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    service::misspelt::warn_about(environment);
    let settings = ServeSettings::read(environment)?;
    let stop = Stop::on_signals()?;
    let running = web::start(settings, stop).map_err(error)?;
    running.finished().await.map_err(error)?;
    Ok(Answer::Done)
}

fn error(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::Settings(problems) => problems.into(),
        Failure::Other(error) => error,
    }
}
