//! Brings Postgres and RabbitMQ to what this version needs.

use broker::Address;
use broker::topology::{self, TopologyError};
use store::{Store, StoreError, migrations};

/// What became of each part; the second is tried whatever became of the first.
pub(crate) struct Migrated {
    /// The steps that were taken.
    pub(crate) database: Result<Vec<String>, StoreError>,
    pub(crate) broker: Result<(), TopologyError>,
}

pub(crate) async fn migrate(store: &Store, broker: &Address) -> Migrated {
    Migrated {
        database: store.run(migrations::migrate).await,
        broker: topology::declare(broker).await,
    }
}
