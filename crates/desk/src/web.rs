//! The desk's page, `desk serve`: what the command line does, for a browser.
//!
//! Every page is made on the server and works without a script. [`guard`] checks each request before a page sees it,
//! [`visitor`] says who asks, [`page`] is what all pages have around them; each other file is a page or a group of pages,
//! named as in its address, and calls [`actions`](crate::actions) as the command line does.

mod assets;
mod attention;
mod audit;
mod bookings;
mod conversation;
mod desk;
mod guard;
mod guests;
mod holds;
mod ledger;
mod letters;
mod login;
mod media;
mod metrics;
mod page;
mod problem;
mod report;
mod routes;
mod sessions;
mod settings;
mod sources;
mod throttle;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use ::settings::{Resolve, Watched};
use actix_web::web::Data;
use service::daemon::{Daemon, Running};
use service::{About, Failure, Problems, Stop, http};
use store::{Connection, raised_alerts};

use crate::actions::letters::{drain, jobs};
use crate::settings::ServeSettings;
use crate::web::desk::Desk;
use crate::web::metrics::DeskMetrics;

const ABOUT: About = About {
    name: "desk",
    version: env!("CARGO_PKG_VERSION"),
    about: "The support staff's page.",
    help: "",
};

/// How often dead letters are moved from their queues into Postgres.
const DRAIN_EVERY: Duration = Duration::from_secs(5);
/// Threads that answer. Pages wait for Postgres, not for a processor.
const WORKERS: usize = 2;

/// Starts to listen. Servers that are away are waited for; pages say so meanwhile.
pub(crate) fn start(settings: ServeSettings, stop: Stop) -> Result<Running, Failure> {
    let mut daemon = Daemon::new(&ABOUT, stop.clone())?;
    let files = Watched::start(
        &settings.config,
        settings.environment.look_up(),
        None,
        Resolve::Nothing,
    )
    .map_err(|error| Problems::one("BELLHOP_CONFIG", service::chain(&error)))?;
    let (address, silence_policy) = (settings.address, settings.silence_policy);
    let (metrics, pool) = (DeskMetrics::new(&daemon.metrics)?, settings.store.clone());
    daemon.metrics.pool(move || pool.connections_in_use())?;
    let desk = Data::new(Desk::new(settings, Arc::new(files), metrics));
    add_parts(&mut daemon, &desk);
    let worker = desk.clone();
    let context = move || Arc::new(worker.context());
    daemon.spawn("letter jobs", jobs::work(context, desk.broker.clone(), stop));
    let checked = desk.clone();
    daemon.every("ledger", ledger::CHECK_EVERY, move || {
        let desk = checked.clone();
        async move { desk.ledger.check(&desk, silence_policy).await }
    });
    let options = http::Options {
        address,
        workers: WORKERS,
        linger: Duration::ZERO,
    };
    let routes = routes::configure(&desk, &daemon.readiness, &daemon.metrics);
    daemon.serve(options, routes, std::future::ready(()))
}

fn add_parts(daemon: &mut Daemon, desk: &Data<Desk>) {
    let store = desk.store.clone();
    daemon.check("postgres", move || {
        let store = store.clone();
        async move { store.check().await }
    });
    let files = Arc::clone(&desk.files);
    daemon.refresh_files(move || {
        files.refresh().tell();
        // A broken file is shown on the start page; the others work.
        Ok(None)
    });
    let drained = desk.clone();
    daemon.every("dead queues", DRAIN_EVERY, move || {
        let desk = drained.clone();
        async move {
            if let Err(error) = drain(&desk.store, &desk.broker).await {
                log::warn!(event = "dead_queues_not_emptied", error = service::chain(&error);
                    "the letters of the dead queues could not be stored");
            }
        }
    });
    let store = desk.store.clone();
    daemon.pass_on_alerts(ABOUT.name, move |raised| {
        let store = store.clone();
        async move {
            let work = move |connection: &mut Connection| raised_alerts::record(connection, &raised);
            store.run(work).await
        }
    });
    let tidied = desk.clone();
    daemon.every("sign-in rates", Duration::from_secs(10), move || {
        tidied.throttle.forget_idle();
        std::future::ready(())
    });
}
