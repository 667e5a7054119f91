//! Emptying the dead queues into the desk's tables.
//!
//! Several desks may do so at once: a letter is with one of them until it is acknowledged, and comes back if that one
//! goes away. What was committed but not acknowledged comes twice; the desk recognises it by id and time of death.

use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::{Channel, Connection};

use crate::Address;
use crate::connection::{self, ConnectError, in_time};
use crate::letter::CauseOfDeath;
use crate::properties;
use crate::topology::Queue;

/// A dead letter as found in its queue.
#[derive(Debug)]
pub struct DeadLetter {
    /// The id that the message had in AMQP.
    pub message_id: String,
    /// What its publisher called it.
    pub kind: String,
    /// Why it died.
    pub cause: CauseOfDeath,
    /// The original body, sealed as it was.
    pub body: Vec<u8>,
    tag: u64,
}

/// Why the dead queues cannot be emptied now.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// There is no connection.
    #[error("cannot empty the dead queues")]
    Connect(#[from] ConnectError),
    /// RabbitMQ refused or went away.
    #[error("cannot {step} dead letters")]
    Failed {
        /// What was tried.
        step: &'static str,
        /// What was said.
        #[source]
        cause: lapin::Error,
    },
    /// It did not answer.
    #[error("RabbitMQ did not answer in time")]
    TimedOut,
}

/// A connection for emptying the dead queues.
pub struct Drain {
    connection: Connection,
    channel: Channel,
}

impl Drain {
    /// Connects.
    pub async fn open(address: &Address) -> Result<Self, DrainError> {
        let connection = connection::open(address, "bellhop desk").await?;
        let channel = answered("ask for", connection.create_channel()).await?;
        Ok(Self { connection, channel })
    }

    /// Takes up to `max` letters of a dead queue; none when it is empty. They are to be committed, then
    /// [acknowledged](Self::acknowledge).
    pub async fn take(&self, queue: Queue, max: usize) -> Result<Vec<DeadLetter>, DrainError> {
        let mut letters = Vec::new();
        while letters.len() < max {
            let getting = self
                .channel
                .basic_get(queue.dead().name().into(), BasicGetOptions::default());
            let Some(message) = answered("take", getting).await? else {
                break;
            };
            let delivery = message.delivery;
            letters.push(DeadLetter {
                message_id: properties::message_id(&delivery.properties),
                kind: properties::kind(&delivery.properties),
                cause: CauseOfDeath::read(&delivery.properties),
                body: delivery.data,
                tag: delivery.delivery_tag,
            });
        }
        Ok(letters)
    }

    /// Takes letters out of their queue for good.
    pub async fn acknowledge(&self, letters: Vec<DeadLetter>) -> Result<(), DrainError> {
        for letter in letters {
            let telling = self.channel.basic_ack(letter.tag, BasicAckOptions::default());
            answered("acknowledge", telling).await?;
        }
        Ok(())
    }

    /// Gives back what was not acknowledged and closes the connection.
    pub async fn close(self) {
        connection::close(&self.connection).await;
    }
}

async fn answered<T>(
    step: &'static str,
    asked: impl Future<Output = lapin::Result<T>>,
) -> Result<T, DrainError> {
    let answer = in_time(asked).await.ok_or(DrainError::TimedOut)?;
    answer.map_err(|cause| DrainError::Failed { step, cause })
}
