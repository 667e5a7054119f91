//! Emptying the dead queues into the desk's tables.
//!
//! Several desks may do so at once: RabbitMQ gives a dead letter to one of them, and requeues it if that one disconnects
//! without acknowledging it. What was committed but not acknowledged is redelivered; the desk recognises it by its id and
//! time.

use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicGetOptions};

use crate::Address;
use crate::connection::{self, ConnectError, Owned, in_time};
use crate::dead_letter::Cause;
use crate::properties;
use crate::topology::Queue;

/// A message of a dead queue.
#[derive(Debug)]
pub struct DeadLetter {
    /// The id that the message had in AMQP.
    pub message_id: String,
    /// AMQP's `type`: an event's type, or a message's kind.
    pub kind: String,
    pub cause: Cause,
    /// The original body, sealed as it was.
    pub body: Vec<u8>,
    tag: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    #[error("cannot empty the dead queues")]
    Connect(#[from] ConnectError),
    #[error("cannot {step} dead letters")]
    Failed {
        step: &'static str,
        #[source]
        cause: lapin::Error,
    },
    #[error("RabbitMQ did not answer in time")]
    TimedOut,
}

/// A connection for emptying the dead queues.
pub struct Drain {
    connection: Owned,
    channel: Channel,
}

impl Drain {
    pub async fn open(address: &Address) -> Result<Self, DrainError> {
        let connection = connection::open(address, "bellhop desk").await?;
        let channel = answered("ask for", connection.create_channel()).await?;
        Ok(Self { connection, channel })
    }

    /// Takes up to `max` dead letters; an empty list when the queue is empty. The caller commits them, then
    /// [acknowledges](Self::acknowledge).
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
                cause: Cause::read(&delivery.properties),
                body: delivery.data,
                tag: delivery.delivery_tag,
            });
        }
        Ok(letters)
    }

    pub async fn acknowledge(&self, letters: Vec<DeadLetter>) -> Result<(), DrainError> {
        for letter in letters {
            let acknowledging = self.channel.basic_ack(letter.tag, BasicAckOptions::default());
            answered("acknowledge", acknowledging).await?;
        }
        Ok(())
    }

    /// Closes the connection; RabbitMQ requeues what was not acknowledged.
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
