//! What the stages of the pipeline share: connections, files, limits, and what calls have shown so far.
//!
//! It has no behaviour. Each stage is a function in a file of its own that takes this value.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crypto::key_ring::KeyRing;
use domain::after_call::RetryPolicy;
use domain::silence_policy::SilencePolicy;
use service::Stop;
use settings::Watched;
use store::Store;
use store::planning::Planner;
use traces::Spans;
use whatsapp::client::Client;

use crate::endpoints::Endpoints;
use crate::foreign_answers::ForeignAnswers;
use crate::guest_rate::GuestRates;
use crate::metrics::SenderMetrics;
use crate::probe::Probes;
use crate::rate_limit::RateLimits;
use crate::reachability::Reachability;
use crate::unrecorded::Unrecorded;

pub(crate) struct Sender {
    pub(crate) store: Store,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) files: Arc<Watched>,
    pub(crate) whatsapp: Client,
    pub(crate) rate_limits: RateLimits,
    pub(crate) guest_rates: GuestRates,
    pub(crate) endpoints: Endpoints,
    pub(crate) probes: Probes,
    pub(crate) reachability: Reachability,
    pub(crate) foreign_answers: ForeignAnswers,
    pub(crate) unrecorded: Unrecorded,
    pub(crate) retry_policy: RetryPolicy,
    /// How long a hold lasts until one message may try again.
    pub(crate) probe_after: Duration,
    pub(crate) silence_policy: SilencePolicy,
    pub(crate) metrics: SenderMetrics,
    pub(crate) spans: Spans,
    /// A message may have been held because of a file that has been replaced since: hold maintenance tries it again.
    pub(crate) held_by_old_files: AtomicBool,
    /// After the stop nothing more is claimed; the ids return to the queue for other senders.
    pub(crate) stop: Stop,
}

impl Sender {
    /// Plans by the resorts' files as they are now.
    pub(crate) fn planner(&self) -> Planner {
        Planner {
            due: store::planning::DueIds::Relay,
            ring: Arc::clone(&self.ring),
            resorts: self.files.current().readable_resorts(),
        }
    }
}
