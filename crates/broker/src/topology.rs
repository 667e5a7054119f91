//! Every exchange and queue, where each is bound, and where refused messages go. The only place that says so.
//!
//! `desk migrate` declares them. The processes verify them and are not ready while something is missing or differs.
//! Their users need no right to configure: looking is allowed to everybody.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

use crate::Address;
use crate::connection::{self, ConnectError, in_time};

/// How often RabbitMQ gives a message back before it gives it up. Ours is the decision long before; but without a
/// limit RabbitMQ 4 would take 20.
const DELIVERY_LIMIT: i32 = 1_000_000;

/// A queue, and the exchange and key that lead to it and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Events on their way to `processor`, the only copy until it commits.
    Events,
    /// Ids of messages that are due, on their way to `sender`.
    Messages,
    /// Events that nobody could apply.
    DeadEvents,
    /// Messages that nobody could send.
    DeadMessages,
}

impl Queue {
    /// All of them, the last resorts first: a queue never exists without the place for its dead.
    pub const ALL: [Self; 4] = [Self::DeadEvents, Self::DeadMessages, Self::Events, Self::Messages];

    /// The queue's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Messages => "messages",
            Self::DeadEvents => "dead.events",
            Self::DeadMessages => "dead.messages",
        }
    }

    /// The exchange to publish to.
    pub const fn exchange(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Messages => "messages",
            Self::DeadEvents | Self::DeadMessages => "dead",
        }
    }

    /// The routing key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Events | Self::DeadEvents => "event",
            Self::Messages | Self::DeadMessages => "message",
        }
    }

    /// Where its letters go.
    pub const fn dead(self) -> Self {
        match self {
            Self::Events | Self::DeadEvents => Self::DeadEvents,
            Self::Messages | Self::DeadMessages => Self::DeadMessages,
        }
    }

    fn arguments(self) -> FieldTable {
        let mut arguments = FieldTable::default();
        let mut set = |name: &str, value: &str| {
            arguments.insert(name.into(), AMQPValue::LongString(value.into()));
        };
        set("x-queue-type", "quorum");
        if self == Self::Events {
            set("x-dead-letter-exchange", self.dead().exchange());
            set("x-dead-letter-routing-key", self.dead().key());
            set("x-dead-letter-strategy", "at-least-once");
        }
        if matches!(self, Self::Events | Self::Messages) {
            set("x-overflow", "reject-publish");
        }
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
        arguments
    }
}

/// How many messages stood ready in each queue, those that a consumer holds not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depths {
    /// In `events`.
    pub events: u32,
    /// In `messages`.
    pub messages: u32,
    /// In `dead.events`.
    pub dead_events: u32,
    /// In `dead.messages`.
    pub dead_messages: u32,
}

/// Why exchanges and queues are not as they must be.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// There is no connection.
    #[error("cannot look at the exchanges and queues")]
    Connect(#[source] ConnectError),
    /// Something is not there.
    #[error("the {what} {name} is missing in RabbitMQ; run `desk migrate`")]
    Missing {
        /// Exchange or queue.
        what: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// Something is there with other properties.
    #[error(
        "the {what} {name} in RabbitMQ differs from what is needed; empty it, delete it, then run `desk migrate`"
    )]
    Differs {
        /// Exchange or queue.
        what: &'static str,
        /// Its name.
        name: &'static str,
        /// What differs, in RabbitMQ's words.
        #[source]
        cause: lapin::Error,
    },
    /// RabbitMQ refused or went away.
    #[error("cannot ask RabbitMQ for the {what} {name}")]
    Failed {
        /// Exchange or queue.
        what: &'static str,
        /// Its name.
        name: &'static str,
        /// What was said.
        #[source]
        cause: lapin::Error,
    },
    /// It did not answer.
    #[error("RabbitMQ did not answer in time")]
    TimedOut,
}

/// Declares everything, for a user with the right to configure. Twice does no harm.
pub async fn declare(address: &Address) -> Result<(), TopologyError> {
    let connection = connection::open(address, "bellhop migrate")
        .await
        .map_err(TopologyError::Connect)?;
    let declared = in_time(declare_all(&connection))
        .await
        .unwrap_or(Err(TopologyError::TimedOut));
    connection::close(&connection).await;
    declared
}

/// Looks whether everything is there as it must be; for commands that run once.
pub async fn verify(address: &Address) -> Result<Depths, TopologyError> {
    let connection = connection::open(address, "bellhop check")
        .await
        .map_err(TopologyError::Connect)?;
    let verified = verify_on(&connection).await;
    connection::close(&connection).await;
    verified
}

/// As [`verify`], on a connection that exists.
pub(crate) async fn verify_on(connection: &Connection) -> Result<Depths, TopologyError> {
    let looking = async {
        let channel = open_channel(connection).await?;
        let depths = look(&channel).await?;
        compare(&channel).await?;
        Ok(depths)
    };
    in_time(looking).await.unwrap_or(Err(TopologyError::TimedOut))
}

/// Whether everything is there. A failure closes the channel.
pub(crate) async fn look(channel: &Channel) -> Result<Depths, TopologyError> {
    let options = ExchangeDeclareOptions {
        passive: true,
        ..ExchangeDeclareOptions::default()
    };
    for name in exchanges() {
        channel
            .exchange_declare(name.into(), ExchangeKind::Direct, options, FieldTable::default())
            .await
            .map_err(failed("exchange", name))?;
    }
    let mut depths = Depths::default();
    for queue in Queue::ALL {
        let count = passive(channel, queue).await?;
        match queue {
            Queue::Events => depths.events = count,
            Queue::Messages => depths.messages = count,
            Queue::DeadEvents => depths.dead_events = count,
            Queue::DeadMessages => depths.dead_messages = count,
        }
    }
    Ok(depths)
}

async fn passive(channel: &Channel, queue: Queue) -> Result<u32, TopologyError> {
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let found = channel
        .queue_declare(queue.name().into(), options, FieldTable::default())
        .await;
    found
        .map(|queue| queue.message_count())
        .map_err(failed("queue", queue.name()))
}

/// A passive declaration compares no arguments, an ordinary one does, but only for those who may configure.
async fn compare(channel: &Channel) -> Result<(), TopologyError> {
    for queue in Queue::ALL {
        match declare_queue(channel, queue).await {
            Err(TopologyError::Failed { cause, .. }) if code(&cause) == Some(403) => return Ok(()),
            declared => declared?,
        }
    }
    Ok(())
}

async fn declare_all(connection: &Connection) -> Result<(), TopologyError> {
    let channel = open_channel(connection).await?;
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    for name in exchanges() {
        channel
            .exchange_declare(name.into(), ExchangeKind::Direct, options, FieldTable::default())
            .await
            .map_err(failed("exchange", name))?;
    }
    for queue in Queue::ALL {
        declare_queue(&channel, queue).await?;
        let (name, exchange, key) = (queue.name().into(), queue.exchange().into(), queue.key().into());
        channel
            .queue_bind(
                name,
                exchange,
                key,
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(failed("queue", queue.name()))?;
    }
    Ok(())
}

async fn declare_queue(channel: &Channel, queue: Queue) -> Result<(), TopologyError> {
    let options = QueueDeclareOptions::durable();
    let declared = channel
        .queue_declare(queue.name().into(), options, queue.arguments())
        .await;
    declared.map(|_| ()).map_err(failed("queue", queue.name()))
}

async fn open_channel(connection: &Connection) -> Result<Channel, TopologyError> {
    connection.create_channel().await.map_err(failed("channel", ""))
}

const fn exchanges() -> [&'static str; 3] {
    ["dead", "events", "messages"]
}

fn failed(what: &'static str, name: &'static str) -> impl Fn(lapin::Error) -> TopologyError {
    move |cause| match code(&cause) {
        Some(404) => TopologyError::Missing { what, name },
        Some(406) => TopologyError::Differs { what, name, cause },
        _ => TopologyError::Failed { what, name, cause },
    }
}

fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
