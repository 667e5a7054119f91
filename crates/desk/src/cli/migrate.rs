//! `desk migrate`

use clap::Args;
use service::{Environment, Failure, chain};

use super::{Answer, output};
use crate::actions::migrate;
use crate::settings;

/// Bring the database and RabbitMQ to what this version needs
///
/// Migrates the database's schema and declares the exchanges and queues. Run it before a new version starts; the
/// programs wait until it was run. Twice, or by two people at once, does no harm.
///
/// Needs DATABASE_URL (a user who may change the schema) and AMQP_URL (a user who may configure the vhost).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

pub(super) async fn run(_: &Arguments, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let (store, broker) = (settings::database(&mut read), settings::broker(&mut read));
    let (store, broker) = read.finish_with(|| Some((store?, broker?)))?;

    let migrated = migrate::migrate(&store, &broker).await;

    let mut answer = Answer::Done;
    match &migrated.database {
        Ok(steps) if steps.is_empty() => output::print("Postgres: the schema was up to date")?,
        Ok(steps) => output::print(&format!("Postgres: took {}", steps.join(", ")))?,
        Err(error) => {
            output::complain(&format!("Postgres: {}", chain(error)));
            answer = Answer::Refused;
        }
    }
    match &migrated.broker {
        Ok(()) => output::print("RabbitMQ: exchanges and queues are as they must be")?,
        Err(error) => {
            output::complain(&format!("RabbitMQ: {}", chain(error)));
            answer = Answer::Refused;
        }
    }
    Ok(answer)
}
