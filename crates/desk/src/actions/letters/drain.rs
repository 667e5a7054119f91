//! Imports letters from the dead queues into Postgres: commit, then acknowledge.

use broker::Address;
use broker::drain::{DeadLetter, Drain, DrainError};
use broker::envelope::Envelope;
use broker::topology::Queue;
use domain::dead_letter::LetterKind;
use service::crash;
use store::letters::{self, NewLetter};
use store::{Store, StoreError};

/// Letters in one transaction; each may be a megabyte.
const AT_ONCE: usize = 50;

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Broker(#[from] DrainError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drained {
    /// Every letter is in Postgres.
    Everything,
    /// RabbitMQ is away: there may be more letters than the stored ones.
    NotNow,
}

/// Empties the dead queues. If RabbitMQ is away, it only logs that.
pub(crate) async fn drain(store: &Store, broker: &Address) -> Result<Drained, StoreError> {
    let emptied = empty(store, broker).await;
    let matched = store.transaction(letters::settle_all_matched).await?;
    if matched > 0 {
        log::info!(event = "stops_matched", letters = matched; "unmatched stops settled: their writers are known now");
    }
    match emptied {
        Ok(0) => Ok(Drained::Everything),
        Ok(new) => {
            log::info!(event = "letters_imported", letters = new; "letters imported from the dead queues");
            Ok(Drained::Everything)
        }
        Err(Failed::Broker(error)) => {
            log::warn!(event = "dead_queues_not_emptied", error = service::chain(&error);
                "the dead queues could not be emptied: there may be more letters than the stored ones");
            Ok(Drained::NotNow)
        }
        Err(Failed::Store(error)) => Err(error),
    }
}

async fn empty(store: &Store, broker: &Address) -> Result<usize, Failed> {
    let drain = Drain::open(broker).await?;
    let mut new = Ok(0);
    for queue in [Queue::DeadEvents, Queue::DeadMessages] {
        match (new, empty_one(store, &drain, queue).await) {
            (Ok(so_far), Ok(more)) => new = Ok(so_far + more),
            (Err(failed), _) | (_, Err(failed)) => new = Err(failed),
        }
    }
    // Also after a failure, so that RabbitMQ requeues what was not acknowledged.
    drain.close().await;
    new
}

async fn empty_one(store: &Store, drain: &Drain, queue: Queue) -> Result<usize, Failed> {
    let mut new = 0;
    loop {
        let found = drain.take(queue, AT_ONCE).await?;
        if found.is_empty() {
            return Ok(new);
        }
        let kept: Vec<NewLetter> = found.iter().map(|letter| read(queue, letter)).collect();
        new += store
            .transaction(move |connection| {
                let new = letters::insert(connection, &kept)?;
                crash::point("desk.letters.written");
                Ok(new)
            })
            .await?;
        crash::point("desk.letters.committed");
        drain.acknowledge(found).await?;
        crash::point("desk.letters.acknowledged");
    }
}

fn names(envelope: &Envelope) -> Vec<Vec<u8>> {
    let mut names = envelope.name_hashes.clone();
    names.extend(envelope.phone_hash.clone().filter(|hash| !names.contains(hash)));
    names
}

/// Letters that cannot be read are stored too.
fn read(queue: Queue, letter: &DeadLetter) -> NewLetter {
    let kind = if queue == Queue::DeadEvents {
        LetterKind::Events
    } else {
        LetterKind::Messages
    };
    let envelope = Envelope::decode(&letter.body).ok();
    let envelope = envelope.filter(|_| kind == LetterKind::Events);
    let message = std::str::from_utf8(&letter.body)
        .ok()
        .and_then(|text| text.parse().ok());
    let cause = &letter.cause;
    NewLetter {
        kind,
        amqp_id: letter.message_id.clone(),
        reason: cause.reason,
        error: cause.error.clone(),
        attempts: cause.attempts,
        died_at: cause.dead_lettered_at,
        subject: letter.kind.clone(),
        resort: envelope.as_ref().and_then(|envelope| envelope.resort.clone()),
        phone_hash: envelope.as_ref().and_then(|envelope| envelope.phone_hash.clone()),
        name_hashes: envelope.as_ref().map_or_else(Vec::new, names),
        received_at: envelope.as_ref().map(|envelope| envelope.received_at),
        booking: envelope.and_then(|envelope| envelope.booking),
        message: message.filter(|_| kind == LetterKind::Messages),
        body: letter.body.clone(),
    }
}
