//! Retrying the dead letter of a webhook out: its row is written again, and `processor` sends it, under the same id.

use broker::envelope::Envelope;
use domain::ids::LetterId;
use store::letters;
use store::webhooks_out::{self, Webhook};

use super::super::request::Unmapped;
use super::super::tried::Tried;
use super::{Mode, Retrier, RetryError, count_retried};

impl Retrier {
    pub(super) async fn webhook(&self, id: LetterId, body: Vec<u8>) -> Result<Tried, RetryError> {
        let webhook = match self.open(&body) {
            Ok(webhook) => webhook,
            Err(why) => return Ok(Tried::Unmapped(Unmapped::Unreadable(why), Vec::new())),
        };
        let Mode::Retry(by) = self.mode.clone() else {
            return Ok(Tried::Retried(Vec::new()));
        };
        let lease = self.lease;
        let work = move |connection: &mut store::Connection, _: &store::planning::Planner| {
            if let Err(declined) = letters::announce_event_retry(connection, id, &by)? {
                return Ok(Err(declined));
            }
            webhooks_out::insert(connection, &webhook)?;
            let marked = letters::mark_event_retried(connection, id, &by)?;
            count_retried(connection, lease, id, &marked)?;
            Ok(marked)
        };
        let retried = self.context.transaction(work).await?;
        Ok(retried.map_or_else(Tried::Declined, |()| Tried::Retried(Vec::new())))
    }

    fn open(&self, body: &[u8]) -> Result<Webhook, String> {
        let envelope = Envelope::decode(body).map_err(|error| error.to_string())?;
        let opened = self
            .context
            .key_ring
            .open(&envelope.sealed, &envelope.identity())
            .map_err(|error| error.to_string())?;
        serde_json::from_slice(&opened).map_err(|_| "the sealed body is not a webhook".to_owned())
    }
}
