//! `desk migrate`

use clap::Args;
use service::{Environment, Failure, chain};
use store::rights::Granted;

use super::{Answer, output};
use crate::actions::migrate;
use crate::settings;

/// Update the schema, the rights and the queues for this version
///
/// Migrates the database's schema, grants each program's role what it needs (where deploy/roles.sql has made the
/// roles), and declares the exchanges and queues. Run it before a new version starts; the programs wait until it was
/// run. Twice, or by two people at once, does no harm.
///
/// Needs DATABASE_URL (the owner of the database) and AMQP_URL (a user who may configure the vhost).
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
        Ok((steps, granted)) => {
            match &steps[..] {
                [] => output::print("Postgres: the schema was up to date")?,
                steps => output::print(&format!("Postgres: applied {}", steps.join(", ")))?,
            }
            match granted {
                Granted::EachItsOwn => output::print("Postgres: each program's role may do what it needs")?,
                Granted::NoRoles => {
                    output::print("Postgres: the programs have no roles of their own (deploy/roles.sql)")?
                }
                Granted::Missing(roles) => {
                    output::complain(&format!(
                        "Postgres: nothing was granted: no role {}; deploy/roles.sql makes it",
                        roles.join(", ")
                    ));
                    answer = Answer::Refused;
                }
            }
        }
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
