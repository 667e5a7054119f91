//! What commands about guests and letters begin with: the shelf is opened, whoever acts is known, and what lies in the dead
//! queues is taken in.

use anyhow::anyhow;
use broker::Address;
use service::environment::Reader;
use service::{Environment, Failure};
use store::Store;
use store::audit::Actor;

use super::acting::{self, Acting, Why};
use crate::actions::letters;
use crate::actions::shelf::Shelf;
use crate::settings;

/// Everything at hand, for somebody.
pub(super) struct Opened<By> {
    pub(super) shelf: Shelf,
    pub(super) broker: Address,
    pub(super) by: By,
}

/// For somebody who acts.
pub(super) async fn for_somebody(why: Why, environment: &Environment) -> Result<Opened<Actor>, Failure> {
    let (shelf, broker, acting) = read(environment, |read| why.read(read, environment))?;
    let by = acting.identify(&shelf.store).await?;
    drain(&shelf.store, &broker).await?;
    Ok(Opened { shelf, broker, by })
}

/// For somebody who need not be known, unless they ask for what only the staff may do.
pub(super) async fn for_anybody(
    environment: &Environment,
    acting: impl FnOnce(&mut Reader<'_>) -> Option<Option<Acting>>,
) -> Result<Opened<Option<Actor>>, Failure> {
    let (shelf, broker, acting) = read(environment, acting)?;
    let by = acting::identify(acting, &shelf.store).await?;
    drain(&shelf.store, &broker).await?;
    Ok(Opened { shelf, broker, by })
}

/// Reads the environment, and tells everything that is missing at once.
fn read<A>(
    environment: &Environment,
    acting: impl FnOnce(&mut Reader<'_>) -> Option<A>,
) -> Result<(Shelf, Address, A), Failure> {
    let mut read = environment.reader();
    let shelf = settings::shelf(&mut read, environment);
    let broker = settings::broker(&mut read);
    let acting = acting(&mut read);
    let (shelf, broker, acting) = read.finish_with(|| Some((shelf?, broker?, acting?)))?;
    Ok((shelf.open()?, broker, acting))
}

/// Takes in what lies in the dead queues.
pub(super) async fn drain(store: &Store, broker: &Address) -> Result<(), Failure> {
    let drained = letters::drain(store, broker).await;
    drained.map_err(|error| anyhow!(error).context("cannot take letters in"))?;
    Ok(())
}
