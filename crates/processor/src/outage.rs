//! Postgres is away for long, or takes nothing: what is in hand goes back, for other processors may have a way to it, and
//! nothing is taken until an event could be applied again.

use crate::consume::Consuming;
use crate::parked::Parked;
use crate::rehearsal;

/// What is known of an outage that lasts.
#[derive(Default)]
pub(crate) struct Outage {
    /// Events could not be applied for [long](crate::applying::LONG), or the process stops.
    pub(crate) is_long: bool,
    /// [Suspects](crate::suspects) that are still to be struck out.
    pub(crate) outlived: Vec<String>,
}

impl Consuming {
    /// Whether there is any sense in beginning with another event.
    pub(crate) fn goes_on(&self) -> bool {
        !self.outage.is_long && !self.stop.is_stopped()
    }

    /// Rests until Postgres would apply an event that is known to be good, or the process stops.
    pub(crate) async fn wait_for_postgres(&mut self) {
        log::warn!(parked = self.parked.len(); "Postgres is away for long; events in hand go back to the queue");
        self.consumer
            .disconnect("nothing is taken while Postgres is away")
            .await;
        self.parked = Parked::default();
        self.shared.counters.parked.set(0);
        let mut failures = 0;
        while !self.stop.is_stopped() {
            let Err(error) = rehearsal::rehearse(&self.shared, Vec::new()).await else {
                log::info!("Postgres is back; events are taken again");
                break;
            };
            failures += 1;
            let step = "apply an event that is known to be good";
            let pause = self.shared.postgres_failed(step, &error, failures);
            tokio::select! {
                () = self.stop.stopped() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.outage.is_long = false;
        self.strike_out().await;
    }
}
