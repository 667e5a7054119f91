//! Brings Postgres and RabbitMQ to what this version needs, and grants each program its rights.

use broker::Address;
use broker::topology::{self, TopologyError};
use store::rights::{self, Granted};
use store::{Store, StoreError, migrations};

/// What became of each part; the broker's is tried whatever became of the database's.
pub(crate) struct Migrated {
    /// The steps that were taken.
    pub(crate) database: Result<(Vec<String>, Granted), StoreError>,
    pub(crate) broker: Result<(), TopologyError>,
}

pub(crate) async fn migrate(store: &Store, broker: &Address) -> Migrated {
    Migrated {
        database: store
            .run(|connection| Ok((migrations::migrate(connection)?, rights::grant(connection)?)))
            .await,
        broker: topology::declare(broker).await,
    }
}
