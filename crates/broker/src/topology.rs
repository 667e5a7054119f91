//! Every exchange and queue, where each is bound, and where refused messages go. The only place that says so.
//!
//! `desk migrate` declares them. The programs verify them when they connect, look again at what they use every second,
//! and are not ready while something is missing or differs. Their users need no right to configure: a passive declaration
//! is allowed to every user.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

use crate::Address;
use crate::connection::{self, ConnectError, in_time};

/// How often RabbitMQ redelivers a message before it dead-letters it. We decide long before; but without a limit of ours
/// RabbitMQ 4 would take 20.
const DELIVERY_LIMIT: i32 = 1_000_000;

const EXCHANGES: [&str; 3] = ["dead", "events", "messages"];

/// A queue, and the exchange and key that lead to it and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Events on their way to `processor`, the only copy until it commits.
    Events,
    /// Ids of messages that are due, on their way to `sender`.
    Messages,
    /// Events that could not be applied.
    DeadEvents,
    /// Messages that could not be sent.
    DeadMessages,
}

impl Queue {
    /// The dead queues first: a queue never exists without the one for its dead letters.
    pub const ALL: [Self; 4] = [Self::DeadEvents, Self::DeadMessages, Self::Events, Self::Messages];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Messages => "messages",
            Self::DeadEvents => "dead.events",
            Self::DeadMessages => "dead.messages",
        }
    }

    pub const fn exchange(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Messages => "messages",
            Self::DeadEvents | Self::DeadMessages => "dead",
        }
    }

    pub const fn key(self) -> &'static str {
        match self {
            Self::Events | Self::DeadEvents => "event",
            Self::Messages | Self::DeadMessages => "message",
        }
    }

    /// The queue for its dead letters.
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

/// How many messages are ready in each queue, without those that a consumer holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depths {
    pub events: u32,
    pub messages: u32,
    pub dead_events: u32,
    pub dead_messages: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    #[error("cannot look at the exchanges and queues")]
    Connect(#[source] ConnectError),
    #[error("the {what} {name} is missing in RabbitMQ; run `desk migrate`")]
    Missing { what: &'static str, name: &'static str },
    #[error(
        "the {what} {name} in RabbitMQ differs from what is needed; empty it, delete it, then run `desk migrate`"
    )]
    Differs {
        what: &'static str,
        name: &'static str,
        #[source]
        cause: lapin::Error,
    },
    #[error("cannot ask RabbitMQ for the {what} {name}")]
    Failed {
        what: &'static str,
        name: &'static str,
        #[source]
        cause: lapin::Error,
    },
    #[error("RabbitMQ did not answer in time")]
    TimedOut,
}

/// Declares everything; idempotent. The user needs the right to configure.
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

/// Checks that everything exists as it must be; for commands that run once.
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

async fn look(channel: &Channel) -> Result<Depths, TopologyError> {
    let options = ExchangeDeclareOptions {
        passive: true,
        ..ExchangeDeclareOptions::default()
    };
    declare_exchanges(channel, options).await?;
    depths(channel).await
}

async fn declare_exchanges(channel: &Channel, options: ExchangeDeclareOptions) -> Result<(), TopologyError> {
    for name in EXCHANGES {
        channel
            .exchange_declare(name.into(), ExchangeKind::Direct, options, FieldTable::default())
            .await
            .map_err(failed("exchange", name))?;
    }
    Ok(())
}

/// A missing queue is an error, and closes the channel.
pub(crate) async fn depths(channel: &Channel) -> Result<Depths, TopologyError> {
    Ok(Depths {
        events: depth(channel, Queue::Events).await?,
        messages: depth(channel, Queue::Messages).await?,
        dead_events: depth(channel, Queue::DeadEvents).await?,
        dead_messages: depth(channel, Queue::DeadMessages).await?,
    })
}

/// As [`depths`], of one queue.
pub(crate) async fn depth(channel: &Channel, queue: Queue) -> Result<u32, TopologyError> {
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

/// Compares the queues' arguments, which only an ordinary declaration does. Without the right to configure it succeeds.
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
    declare_exchanges(&channel, options).await?;
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
