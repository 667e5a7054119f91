//! What commands begin with: reading the environment, identifying the person, and emptying the dead queues.

use anyhow::Context as _;
use broker::Address;
use domain::ids::ResortId;
use service::Environment;
use service::environment::Reader;
use store::Store;
use store::audit::Actor;

use super::auth::{Login, ReasonArgs};
use crate::actions::context::Context;
use crate::actions::{letters, names};
use crate::settings;

/// The broker's address and the person, for commands that publish. Those about letters have the dead queues emptied.
pub(super) struct Session<By> {
    pub(super) context: Context,
    pub(super) broker: Address,
    pub(super) by: By,
}

/// Postgres, for a command that looks at one resort, which must exist, or at all of them.
pub(super) async fn store_for(resort: Option<&ResortId>, environment: &Environment) -> anyhow::Result<Store> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let files = settings::optional_files(&mut read);
    let store = read.finish_with(|| store)?;
    if let Some(resort) = resort {
        names::check_resort(&store, files.as_ref(), resort).await?;
    }
    Ok(store)
}

pub(super) async fn for_staff(
    reason: ReasonArgs,
    environment: &Environment,
) -> anyhow::Result<Session<Actor>> {
    let (context, broker, login) = read(environment, |read| reason.read(read, environment))?;
    let by = login.identify(&context.store).await?;
    drain(&context.store, &broker).await?;
    Ok(Session { context, broker, by })
}

/// For a command that publishes and does not look at letters.
pub(super) async fn publishing(
    reason: ReasonArgs,
    environment: &Environment,
) -> anyhow::Result<Session<Actor>> {
    let (context, broker, login) = read(environment, |read| reason.read(read, environment))?;
    let by = login.identify(&context.store).await?;
    Ok(Session { context, broker, by })
}

/// Without a person, unless `login` finds that the command needs one.
pub(super) async fn for_anyone(
    environment: &Environment,
    login: impl FnOnce(&mut Reader<'_>) -> Option<Option<Login>>,
) -> anyhow::Result<Session<Option<Actor>>> {
    let (context, broker, login) = read(environment, login)?;
    let by = identify(login, &context.store).await?;
    drain(&context.store, &broker).await?;
    Ok(Session { context, broker, by })
}

fn read<L>(
    environment: &Environment,
    login: impl FnOnce(&mut Reader<'_>) -> Option<L>,
) -> anyhow::Result<(Context, Address, L)> {
    let mut read = environment.reader();
    let context = settings::context(&mut read, environment);
    let broker = settings::broker(&mut read);
    let login = login(&mut read);
    let (context, broker, login) = read.finish_with(|| Some((context?, broker?, login?)))?;
    Ok((context.open()?, broker, login))
}

pub(super) async fn drain(store: &Store, broker: &Address) -> anyhow::Result<()> {
    let drained = letters::drain(store, broker).await;
    drained.context("cannot import the letters of the dead queues")?;
    Ok(())
}

/// For commands that need no RabbitMQ.
pub(super) async fn context(
    environment: &Environment,
    login: impl FnOnce(&mut Reader<'_>) -> Option<Option<Login>>,
) -> anyhow::Result<(Context, Option<Actor>)> {
    let mut read = environment.reader();
    let context = settings::context(&mut read, environment);
    let login = login(&mut read);
    let (context, login) = read.finish_with(|| Some((context?, login?)))?;
    let context = context.open()?;
    let by = identify(login, &context.store).await?;
    Ok((context, by))
}

/// As [`context()`], for a command that needs a person.
pub(super) async fn context_for_staff(
    reason: ReasonArgs,
    environment: &Environment,
) -> anyhow::Result<(Context, Actor)> {
    let mut read = environment.reader();
    let context = settings::context(&mut read, environment);
    let login = reason.read(&mut read, environment);
    let (context, login) = read.finish_with(|| Some((context?, login?)))?;
    let context = context.open()?;
    let by = login.identify(&context.store).await?;
    Ok((context, by))
}

/// For commands that need only the database and a person.
pub(super) async fn store_for_staff(
    reason: ReasonArgs,
    environment: &Environment,
) -> anyhow::Result<(Store, Actor)> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let login = reason.read(&mut read, environment);
    let (store, login) = read.finish_with(|| Some((store?, login?)))?;
    let by = login.identify(&store).await?;
    Ok((store, by))
}

async fn identify(login: Option<Login>, store: &Store) -> anyhow::Result<Option<Actor>> {
    match login {
        Some(login) => login.identify(store).await.map(Some),
        None => Ok(None),
    }
}
