//! The processor's loops, which share nothing but the database: the program runs them, tests take their steps.

use std::sync::Arc;

use broker::consumer::Consumer;
use broker::publisher::Publisher;
use outbound::Outbound;
use service::Stop;

use crate::context::Context;
use crate::events::Consume;
use crate::fetches::{Caller, Fetches};
use crate::figures::FigureExport;
use crate::relay::Relay;
use crate::retention::Retention;
use crate::timers::Timers;
use crate::watermark::Watermark;
use crate::webhooks_out::WebhooksOut;

pub(crate) struct Loops {
    pub(crate) consume: Consume,
    pub(crate) timers: Timers,
    pub(crate) relay: Relay,
    pub(crate) fetches: Fetches,
    pub(crate) webhooks_out: WebhooksOut,
    pub(crate) retention: Retention,
    pub(crate) figures: FigureExport,
    pub(crate) watermark: Watermark,
}

impl Loops {
    pub(crate) fn new(
        context: &Arc<Context>,
        (consumer, outbound): (Consumer, Outbound),
        publisher: Publisher,
        stop: &Stop,
    ) -> Self {
        let watermark = Watermark::default();
        let ids = context
            .ids
            .clone()
            .unwrap_or_else(|| context.id_publisher(publisher.clone()));
        let shared = || Arc::clone(context);
        Self {
            consume: Consume::new(shared(), consumer, watermark.clone(), stop.clone()),
            timers: Timers {
                context: shared(),
                watermark: watermark.clone(),
                stop: stop.clone(),
            },
            fetches: Fetches::new(
                shared(),
                publisher.clone(),
                Caller::new(outbound.clone()),
                stop.clone(),
            ),
            webhooks_out: WebhooksOut::new(shared(), publisher.clone(), outbound, stop.clone()),
            figures: FigureExport::new(shared(), publisher.depths()),
            relay: Relay::new(shared(), publisher, ids),
            retention: Retention {
                context: shared(),
                stop: stop.clone(),
            },
            watermark,
        }
    }
}
