//! Trying once more what died: single letters, or all that a filter names, page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use broker::publisher::{Options, Outgoing, PublishError, Publisher};
use broker::topology::Queue;
use broker::{Address, Status};
use domain::dead_letter::{DecisionRefused, LetterKind};
use domain::ids::LetterId;
use domain::message::Reason;
use service::crash;
use store::audit::Actor;
use store::letters::{self, Declined, Filter, Letter, Standing};
use store::{Fault, StoreError};
use tokio::time::{Interval, MissedTickBehavior};

use crate::actions::shelf::Shelf;

/// How many letters are tried between two looks at the clock.
const PAGE: i64 = 50;
/// How soon one page may follow another: the processors and senders have other work too.
const PAGE_EVERY: Duration = Duration::from_millis(200);
/// How long to wait for RabbitMQ.
const CONNECTING: Duration = Duration::from_secs(5);

/// Whether a retry is carried out.
#[derive(Debug, Clone)]
pub(crate) enum Hand {
    /// By this person.
    Retry(Actor),
    /// It is only found out what would happen.
    Rehearse,
}

/// What came of one letter.
#[derive(Debug)]
pub(crate) enum Tried {
    /// What died is under way again, or would be.
    Retried,
    /// It is not, for this reason.
    Declined(Declined),
    /// Something is wrong with this letter's data.
    Failed(StoreError),
}

/// Why no letter can be tried now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetryError {
    #[error("cannot retry letters")]
    Store(#[from] StoreError),
    #[error("cannot publish the event; its letter stays open")]
    Publish(#[source] PublishError),
}

/// Retries letters.
pub(crate) struct Retrier {
    pub(crate) shelf: Shelf,
    broker: Address,
    hand: Hand,
    /// Connected when the first event is to be published.
    publisher: Option<Publisher>,
}

impl Retrier {
    pub(crate) fn new(shelf: Shelf, broker: Address, hand: Hand) -> Self {
        Self {
            shelf,
            broker,
            hand,
            publisher: None,
        }
    }

    /// Tries one letter by its number.
    pub(crate) async fn one(&mut self, id: LetterId) -> Result<Tried, RetryError> {
        let found = self
            .shelf
            .store
            .run(move |connection| letters::find(connection, id))
            .await?;
        let Some(letter) = found else {
            return Ok(Tried::Declined(Declined::NotFound));
        };
        let tried = self.letter(letter).await?;
        if let (Tried::Retried, Hand::Retry(by)) = (&tried, &self.hand) {
            super::log_decision(id, by, "retried");
        }
        Ok(tried)
    }

    /// Closes the connection to RabbitMQ, where there is one.
    pub(crate) async fn finish(self) {
        if let Some(publisher) = self.publisher {
            publisher.stop().await;
        }
    }

    async fn letter(&mut self, letter: Letter) -> Result<Tried, RetryError> {
        if let Some(ending) = letter.ending {
            return Ok(Tried::Declined(Declined::TooLate(ending)));
        }
        match letter.kind {
            LetterKind::Messages => self.message(letter.id).await,
            LetterKind::Events => self.event(letter).await,
        }
    }

    async fn message(&self, id: LetterId) -> Result<Tried, RetryError> {
        let hand = self.hand.clone();
        let decided = self
            .shelf
            .transaction(move |connection, planner| match &hand {
                Hand::Retry(by) => {
                    letters::retry(connection, planner, id, by).map(|retried| retried.map(drop))
                }
                Hand::Rehearse => letters::judge(connection, planner, id),
            })
            .await;
        Ok(match decided {
            Ok(Ok(())) => Tried::Retried,
            Ok(Err(declined)) => Tried::Declined(declined),
            Err(error) if matches!(error.fault(), Fault::Data | Fault::Ours) => Tried::Failed(error),
            Err(error) => return Err(error.into()),
        })
    }

    /// The trail hears of it first. Then the event is published: a crash before the letter is marked only brings it twice,
    /// and ids are remembered.
    async fn event(&mut self, letter: Letter) -> Result<Tried, RetryError> {
        let id = letter.id;
        let body = self
            .shelf
            .store
            .run(move |connection| letters::find_body(connection, id))
            .await?;
        let Some(body) = body else {
            let refusal = DecisionRefused::NotWanted(Reason::Erased);
            return Ok(Tried::Declined(Declined::Refused(refusal)));
        };
        let Hand::Retry(by) = self.hand.clone() else {
            return Ok(Tried::Retried);
        };
        let who = by.clone();
        let announced = self
            .shelf
            .transaction(move |connection, _| letters::announce_event_retry(connection, id, &who))
            .await?;
        if let Err(declined) = announced {
            return Ok(Tried::Declined(declined));
        }
        let event = Outgoing {
            queue: Queue::Events,
            message_id: letter.amqp_id,
            kind: letter.subject,
            cause: None,
            body,
        };
        let publisher = self.publisher().await;
        crash::point("desk.event.read");
        let published = publisher.publish(event).await;
        published.map_err(RetryError::Publish)?;
        crash::point("desk.event.confirmed");
        let marked = self
            .shelf
            .transaction(move |connection, _| letters::mark_event_retried(connection, id, &by))
            .await?;
        Ok(marked.map_or_else(Tried::Declined, |()| Tried::Retried))
    }

    /// A publisher that had its time to connect; one that could not says so when it is used.
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

/// What came of many letters.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many there were at the beginning.
    pub(crate) total: i64,
    /// How many were tried so far.
    pub(crate) tried: i64,
    /// How many of them are under way again.
    pub(crate) retried: i64,
    /// How many are not, by reason.
    pub(crate) refused: BTreeMap<&'static str, i64>,
    /// How many somebody else decided meanwhile.
    pub(crate) too_late: i64,
}

impl Tally {
    fn count(&mut self, tried: &Tried) {
        self.tried += 1;
        let refused = match tried {
            Tried::Retried => return self.retried += 1,
            Tried::Declined(Declined::TooLate(_) | Declined::NotFound) => return self.too_late += 1,
            Tried::Declined(Declined::Refused(refusal)) => refusal.as_str(),
            Tried::Failed(_) => "failed",
        };
        *self.refused.entry(refused).or_default() += 1;
    }
}

/// All open letters of a filter, as they were at the beginning: one that dies again meanwhile waits for the next run.
pub(crate) struct All {
    filter: Filter,
    after: LetterId,
    last: LetterId,
    pace: Interval,
    pub(crate) tally: Tally,
}

impl All {
    pub(crate) async fn begin(retrier: &Retrier, filter: Filter) -> Result<Self, RetryError> {
        let filter = Filter {
            standing: Some(Standing::Open),
            ..filter
        };
        let counted = filter.clone();
        let (total, last) = retrier
            .shelf
            .store
            .run(move |connection| letters::extent(connection, &counted))
            .await?;
        let mut pace = tokio::time::interval(PAGE_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let tally = Tally {
            total,
            ..Tally::default()
        };
        Ok(Self {
            filter,
            after: LetterId(0),
            last,
            pace,
            tally,
        })
    }

    /// Tries the next letters; `false`: there are none left.
    pub(crate) async fn next_page(&mut self, retrier: &mut Retrier) -> Result<bool, RetryError> {
        self.pace.tick().await;
        let (filter, after) = (self.filter.clone(), self.after);
        let mut page = retrier
            .shelf
            .store
            .run(move |connection| letters::list(connection, &filter, after, PAGE))
            .await?;
        page.retain(|letter| letter.id <= self.last);
        let any = !page.is_empty();
        for letter in page {
            let id = letter.id;
            let tried = retrier.letter(letter).await?;
            if let Tried::Failed(error) = &tried {
                log::error!("letter.id" = id.to_string(), error = service::chain(error); "letter cannot be retried");
            }
            self.tally.count(&tried);
            self.after = id;
        }
        Ok(any)
    }
}
