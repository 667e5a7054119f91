//! One connection that consumes a queue, from opening to its end.

use std::collections::BTreeSet;

use domain::error_chain::chain;
use futures_util::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::FieldTable;

use super::settling::Settlement;
use super::{Delivery, Receipt, Settled};
use crate::Address;
use crate::connection::{self, ConnectError, Owned, in_time};
use crate::liveness::{Liveness, Probe};
use crate::properties;
use crate::status::Status;
use crate::topology::{self, Queue, TopologyError};

pub(super) struct Subscription {
    generation: u64,
    connection: Owned,
    /// Where the connection leads.
    node: String,
    channel: Channel,
    stream: lapin::Consumer,
    liveness: Liveness<()>,
    /// Tags of the deliveries that were handed out and are not settled.
    outstanding: BTreeSet<u64>,
    /// The end of the stream, where it was read right behind deliveries: lapin reports it only once.
    ended: Option<String>,
}

pub(super) enum Taken {
    /// At least one delivery.
    Batch(Vec<Delivery>),
    Status(Status),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error("cannot consume the queue")]
    Consume(#[source] lapin::Error),
    #[error("RabbitMQ does not answer")]
    TimedOut,
}

impl Subscription {
    pub(super) async fn open(
        address: Address,
        queue: Queue,
        prefetch: u16,
        generation: u64,
    ) -> Result<Self, OpenError> {
        let name = format!("bellhop {}", queue.name());
        let (connection, node) = connection::open_to_node(&address, &name).await?;
        topology::verify_on(&connection).await?;
        let consuming = async {
            let channel = connection.create_channel().await?;
            channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
            let (name, options) = (queue.name().into(), BasicConsumeOptions::default());
            let stream = channel
                .basic_consume(name, "".into(), options, FieldTable::default())
                .await?;
            Ok((channel, stream, connection.create_channel().await?))
        };
        let (channel, stream, probing) = in_time(consuming)
            .await
            .ok_or(OpenError::TimedOut)?
            .map_err(OpenError::Consume)?;
        Ok(Self {
            generation,
            connection,
            node,
            channel,
            stream,
            liveness: Liveness::new(move || {
                let channel = probing.clone();
                async move { topology::depth(&channel, queue).await.map(drop) }
            }),
            outstanding: BTreeSet::new(),
            ended: None,
        })
    }

    pub(super) fn node(&self) -> &str {
        &self.node
    }

    /// Waits for a batch of at least one delivery, or for the connection's status; an error is the connection's end.
    /// Cancel-safe: nothing is taken before the only await ends.
    pub(super) async fn take(&mut self, max: usize) -> Result<Taken, String> {
        if let Some(reason) = self.ended.take() {
            return Err(reason);
        }
        // The probe first: while deliveries lie ready, nothing else would tell whether RabbitMQ still answers, or answers again.
        let first = tokio::select! {
            biased;
            probe = self.liveness.next() => return status_after(probe).map(Taken::Status),
            first = self.stream.next() => first,
        };
        let mut batch = vec![self.accept(first)?];
        while batch.len() < max {
            let Some(next) = self.stream.next().now_or_never() else {
                break;
            };
            match self.accept(next) {
                Ok(delivery) => batch.push(delivery),
                // The deliveries before the end can still be worked on.
                Err(reason) => {
                    self.ended = Some(reason);
                    break;
                }
            }
        }
        Ok(Taken::Batch(batch))
    }

    fn accept(&mut self, next: Option<lapin::Result<lapin::message::Delivery>>) -> Result<Delivery, String> {
        let delivery = match next {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => return Err(chain(&error)),
            None => return Err("RabbitMQ cancelled the consumer; was the queue deleted?".to_owned()),
        };
        self.outstanding.insert(delivery.delivery_tag);
        let properties = &delivery.properties;
        Ok(Delivery {
            message_id: properties::message_id(properties),
            kind: properties::kind(properties),
            delivery_count: properties::number_header(properties, properties::DELIVERY_COUNT).unwrap_or(0),
            redelivered: delivery.redelivered,
            receipt: Receipt {
                generation: self.generation,
                tag: delivery.delivery_tag,
            },
            body: delivery.data,
        })
    }

    /// Acknowledges what is finished and requeues the rest. After an error the channel is of no use any more.
    pub(super) async fn settle(
        &mut self,
        plan: Vec<Settlement>,
        settled: &mut Settled,
    ) -> Result<(), String> {
        let mut finished = BTreeSet::new();
        let mut given_back = Vec::new();
        let mut known = Vec::new();
        for settlement in plan {
            let Receipt { generation, tag } = settlement.receipt();
            if generation != self.generation || !self.outstanding.contains(&tag) {
                settled.lost += 1;
                continue;
            }
            if settlement.finishes() {
                finished.insert(tag);
            } else {
                given_back.push(tag);
            }
            known.push(settlement);
        }
        let sent = in_time(self.acknowledge(&finished, &given_back)).await;
        let result = match sent {
            Some(sent) => sent.map_err(|error| chain(&error)),
            None => Err("RabbitMQ accepts no acknowledgements".to_owned()),
        };
        for settlement in known {
            settlement.count(settled, result.is_ok());
        }
        result
    }

    async fn acknowledge(&mut self, finished: &BTreeSet<u64>, given_back: &[u64]) -> lapin::Result<()> {
        // One acknowledgement covers everything up to the first delivery that is in hand or requeued.
        let prefix_end = self
            .outstanding
            .iter()
            .take_while(|tag| finished.contains(tag))
            .last()
            .copied();
        if let Some(end) = prefix_end {
            self.channel
                .basic_ack(end, BasicAckOptions { multiple: true })
                .await?;
            self.outstanding = self.outstanding.split_off(&(end + 1));
        }
        for tag in finished.iter().filter(|tag| Some(**tag) > prefix_end) {
            self.channel.basic_ack(*tag, BasicAckOptions::default()).await?;
            self.outstanding.remove(tag);
        }
        let requeue = BasicNackOptions {
            requeue: true,
            ..BasicNackOptions::default()
        };
        for tag in given_back {
            self.channel.basic_nack(*tag, requeue).await?;
            self.outstanding.remove(tag);
        }
        Ok(())
    }

    pub(super) async fn close(&mut self) {
        // Deliveries stop first, so that closing requeues as few as possible.
        let tag = self.stream.tag();
        let cancelled = in_time(self.channel.basic_cancel(tag, BasicCancelOptions::default())).await;
        if let Some(Err(error)) = cancelled {
            log::debug!(error = error.to_string(); "the consumer was gone before it was cancelled");
        }
        connection::close(&self.connection).await;
    }
}

fn status_after(probe: Probe<()>) -> Result<Status, String> {
    match probe {
        Probe::Answered(()) => Ok(Status::Connected),
        Probe::Silent => Ok(Status::Silent),
        Probe::Lost(reason) => Err(reason),
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Subscription({}, {} unsettled)",
            self.generation,
            self.outstanding.len()
        )
    }
}
