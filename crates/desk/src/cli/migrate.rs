//! `desk migrate`

use broker::topology;
use clap::Args;
use service::{Environment, chain};
use store::migrations;
use store::rights::{self, Granted};

use super::{Answer, output};
use crate::settings;

/// Update the schema, the rights and the queues for this version
///
/// Migrates the database's schema, grants each program's role what it needs (if deploy/roles.sql has made the roles),
/// and declares the exchanges and queues. Run it before a new version starts: the programs wait for it. Running it twice,
/// or from two terminals at once, does no harm.
///
/// Needs DATABASE_URL (the owner of the database) and AMQP_URL (a user who may configure the vhost).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

pub(super) async fn run(_: &Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let (store, broker) = (settings::database(&mut read), settings::broker(&mut read));
    let (store, broker) = read.finish_with(|| Some((store?, broker?)))?;

    // Each server is prepared even if the other one fails.
    let database = store
        .run(|connection| Ok((migrations::migrate(connection)?, rights::grant(connection)?)))
        .await;
    let declared = topology::declare(&broker).await;

    let is_granted = match &database {
        Ok((steps, granted)) => report_steps(steps, granted)?,
        Err(error) => {
            complain(
                "Postgres",
                &chain(error),
                "DATABASE_URL must be that of the database's owner",
            );
            false
        }
    };
    match &declared {
        Ok(()) => output::print("RabbitMQ: exchanges and queues are as they must be")?,
        Err(error) => {
            complain(
                "RabbitMQ",
                &chain(error),
                "AMQP_URL must be that of a user who may configure the vhost",
            );
        }
    }
    Ok(Answer::done_if(is_granted && declared.is_ok()))
}

/// What the server said, and, where it refused this user, who is needed.
fn complain(server: &str, said: &str, remedy: &str) {
    let refused = ["permission denied", "must be owner", "ACCESS-REFUSED"];
    let is_known = !said.contains("Login was refused");
    if is_known && refused.iter().any(|words| said.contains(words)) {
        output::complain(&format!("{server}: {said}; {remedy}"));
    } else {
        output::complain(&format!("{server}: {said}"));
    }
}

/// Whether the rights were granted, or there are no roles to grant them to.
fn report_steps(steps: &[String], granted: &Granted) -> std::io::Result<bool> {
    match steps {
        [] => output::print("Postgres: the schema was up to date")?,
        steps => output::print(&format!("Postgres: applied {}", steps.join(", ")))?,
    }
    match granted {
        Granted::EachItsOwn => output::print("Postgres: each program's role may do what it needs")?,
        Granted::NoRoles => {
            output::print("Postgres: the programs have no roles of their own (deploy/roles.sql)")?;
        }
        Granted::Missing(roles) => {
            let roles = roles.join(", ");
            output::complain(&format!(
                "Postgres: nothing was granted: no role {roles}; deploy/roles.sql makes it"
            ));
            return Ok(false);
        }
    }
    Ok(true)
}
