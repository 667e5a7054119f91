//! Publishing events once more, and waiting until they are applied.

use std::time::{Duration, Instant};

use broker::Status;
use broker::envelope::FETCH;
use broker::publisher::{Options, Outgoing, PublishError, Publisher};
use service::crash;
use store::events;

use super::{Retrier, RetryError};

const CONNECTING: Duration = Duration::from_secs(5);
/// How long carts wait until what was published before them is applied. Longer would not help: what waits in the queue is applied
/// before them in any case, and only what several processors apply at once may overtake.
const APPLYING: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Retrier {
    pub(super) async fn publish(&mut self, messages: Vec<Outgoing>) -> Result<(), PublishError> {
        if messages.is_empty() {
            return Ok(());
        }
        let publisher = self.publisher().await;
        crash::point("desk.event.read");
        let events = messages.iter().filter(|message| message.kind != FETCH);
        let keys: Vec<String> = events.map(|message| message.message_id.clone()).collect();
        for message in messages {
            publisher.publish(message).await?;
        }
        self.published.extend(keys);
        crash::point("desk.event.confirmed");
        Ok(())
    }

    /// Waits until what was published is applied; without a processor it goes on after a while.
    pub(in crate::actions::letters) async fn until_applied(&mut self) -> Result<(), RetryError> {
        let keys: Vec<String> = std::mem::take(&mut self.published).into_iter().collect();
        let deadline = Instant::now() + APPLYING;
        while !keys.is_empty() && Instant::now() < deadline {
            let asked = keys.clone();
            let applied = self
                .context
                .store
                .run(move |connection| events::count(connection, &asked));
            if applied.await? == keys.len() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits for the connection. If there is none, publishing fails.
    async fn publisher(&mut self) -> &Publisher {
        let address = self.broker.clone();
        let publisher = self
            .publisher
            .get_or_insert_with(|| Publisher::start(address, Options::named("bellhop desk")));
        let mut status = publisher.status();
        let _ = tokio::time::timeout(CONNECTING, status.wait_for(Status::is_ready)).await;
        publisher
    }
}
