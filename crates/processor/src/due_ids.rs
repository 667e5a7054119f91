//! Publishes ids of messages whose rows were put off in a transaction that is committed: those that the relay took, and those
//! that a transaction of ours made due, without a detour over the relay.

mod room;

use std::sync::{Arc, Mutex};

use broker::publisher::{Outgoing, PublishError, Publisher};
use broker::topology::Queue;
use domain::ids::MessageId;
use futures_util::future::join_all;
use service::{crash, lock};
use store::planning::DueIds;
use store::{Store, StoreError, relay};
use tokio::task::JoinSet;

use crate::metrics::ProcessorMetrics;
use room::Room;

/// Clones share it.
#[derive(Clone)]
pub(crate) struct IdPublisher {
    store: Store,
    publisher: Publisher,
    metrics: ProcessorMetrics,
    room: Arc<Mutex<Room>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl IdPublisher {
    pub(crate) fn new(store: Store, publisher: Publisher, metrics: ProcessorMetrics) -> Self {
        Self {
            room: Arc::new(Mutex::new(Room::new(publisher.depths()))),
            store,
            publisher,
            metrics,
            tasks: Arc::default(),
        }
    }

    /// How many ids may be published now.
    pub(crate) fn room(&self) -> usize {
        match self.publisher.status().borrow().is_ready() {
            true => lock(&self.room).left(),
            false => 0,
        }
    }

    /// Who publishes what a transaction makes due that begins now. Without room the relay does, once there is some.
    pub(crate) fn for_transaction(&self, most: usize) -> DueIds {
        match self.room() >= most {
            true => DueIds::Caller,
            false => DueIds::Relay,
        }
    }

    /// Publishes in the background; [`finish`](Self::finish) waits for it.
    pub(crate) fn publish_soon(&self, ids: Vec<MessageId>) {
        if ids.is_empty() {
            return;
        }
        let this = self.clone();
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            if let Err(error) = this.publish(ids).await {
                log::warn!(error = service::chain(&error), event = "ids_not_given_back";
                    "ids that RabbitMQ did not take could not be given back; they are published again in 30 s");
            }
        });
    }

    pub(crate) async fn finish(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        while tasks.join_next().await.is_some() {}
    }

    /// Returns how many were confirmed; gives back those that are known not to be in the queue.
    pub(crate) async fn publish(&self, ids: Vec<MessageId>) -> Result<usize, StoreError> {
        if ids.is_empty() {
            return Ok(0);
        }
        crash::point("processor.relay.put_off");
        lock(&self.room).published(ids.len());
        let publishing = ids
            .iter()
            .map(|id| async move { (*id, self.publisher.publish(message_due(*id)).await) });
        let (mut failed, mut unconfirmed) = (Unpublished::default(), Unpublished::default());
        for (id, result) in join_all(publishing).await {
            count(&self.metrics, &result);
            match result {
                Ok(()) => {}
                // It may be in the queue: it is published again at its time, which does no harm.
                Err(error @ PublishError::Unconfirmed) => unconfirmed.add(id, error),
                Err(error) => failed.add(id, error),
            }
        }
        log_unpublished(&failed, &unconfirmed);
        let failed = failed.ids;
        let published = ids.len() - failed.len();
        if published > 0 {
            crash::point("processor.relay.confirmed");
        }
        if !failed.is_empty() {
            crash::point("processor.relay.refused");
            let give_back = move |connection: &mut store::Connection| relay::give_back(connection, &failed);
            self.store.run(give_back).await?;
            crash::point("processor.relay.given_back");
        }
        Ok(published)
    }
}

/// Ids of one batch that RabbitMQ did not confirm.
#[derive(Default)]
struct Unpublished {
    ids: Vec<MessageId>,
    /// Of the first one.
    error: Option<PublishError>,
}

impl Unpublished {
    fn add(&mut self, id: MessageId, error: PublishError) {
        self.ids.push(id);
        self.error.get_or_insert(error);
    }
}

fn log_unpublished(failed: &Unpublished, unconfirmed: &Unpublished) {
    if let Some(error) = failed.error {
        log::warn!(ids = failed.ids.len(), error = error.to_string(), event = "id_unpublished";
            "message ids could not be published; they are published again in 1 s, or when RabbitMQ accepts them");
    }
    if let Some(error) = unconfirmed.error {
        log::warn!(ids = unconfirmed.ids.len(), error = error.to_string(), event = "id_unpublished";
            "message ids were not confirmed; those that no sender has claimed in 30 s or more are published again");
    }
}

pub(crate) fn count(metrics: &ProcessorMetrics, result: &Result<(), PublishError>) {
    let outcome = match result {
        Ok(()) => "published",
        Err(PublishError::Unavailable) => "unavailable",
        Err(PublishError::Refused) => "refused",
        Err(PublishError::Unroutable) => "unroutable",
        Err(PublishError::Unconfirmed) => "unconfirmed",
    };
    metrics.relayed.with_label_values(&[outcome]).inc();
}

fn message_due(id: MessageId) -> Outgoing {
    Outgoing {
        queue: Queue::Messages,
        message_id: id.to_string(),
        kind: "message_due".to_owned(),
        cause: None,
        trace: None,
        body: id.to_string().into_bytes(),
    }
}
