//! One call first: until an answer shows that a lane is well, its messages go one at a time, so that an expired token or
//! a paused template is refused once and not for everything that waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::hold::Route;
use domain::ids::{NumberId, ResortId};
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};

/// What messages have in common that one refusal could stop.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    resort: ResortId,
    number: NumberId,
    template: Option<String>,
}

impl Lane {
    pub(crate) fn of(route: &Route) -> Self {
        Self {
            resort: route.resort.clone(),
            number: route.number.clone(),
            template: route.template.clone(),
        }
    }

    /// The business number of all its messages.
    pub(crate) fn number(&self) -> &NumberId {
        &self.number
    }
}

/// A lane that was well this long ago may have been refused since.
const WELL_FOR: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Gate {
    well_at: Mutex<Option<Instant>>,
    turns: Arc<Turns<()>>,
}

impl Gate {
    fn is_well(&self) -> bool {
        let well_at = *self.well_at.lock().unwrap_or_else(PoisonError::into_inner);
        well_at.is_some_and(|at| at.elapsed() < WELL_FOR)
    }
}

/// How a lane may be used.
pub(crate) enum Passage {
    /// By many at once.
    Open,
    /// By this one alone, for one call.
    Alone(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>),
}

/// Every lane of this process.
#[derive(Default)]
pub(crate) struct Gates {
    lanes: Mutex<HashMap<Lane, Arc<Gate>>>,
}

impl Gates {
    /// Waits for the turn, unless the lane is known to be well.
    pub(crate) async fn enter(&self, lane: &Lane) -> Passage {
        let gate = self.gate(lane);
        if gate.is_well() {
            return Passage::Open;
        }
        let turn = Arc::clone(&gate.turns).lock_owned().await;
        // Whoever went before may have shown it.
        if gate.is_well() {
            Passage::Open
        } else {
            Passage::Alone(turn)
        }
    }

    /// An answer shows that the lane is well, or that it is not.
    pub(crate) fn learn(&self, lane: &Lane, is_well: bool) {
        let gate = self.gate(lane);
        *gate.well_at.lock().unwrap_or_else(PoisonError::into_inner) = is_well.then(Instant::now);
    }

    fn gate(&self, lane: &Lane) -> Arc<Gate> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(lane.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(template: &str) -> Lane {
        Lane {
            resort: ResortId::parse("azure-bay").unwrap(),
            number: NumberId::parse("1").unwrap(),
            template: Some(template.to_owned()),
        }
    }

    #[tokio::test]
    async fn one_goes_first_and_the_others_follow_together_once_it_was_well() {
        let gates = Gates::default();
        let (well, other) = (lane("a"), lane("b"));

        let first = gates.enter(&well).await;
        assert!(matches!(first, Passage::Alone(_)));
        {
            let waiting = gates.enter(&well);
            tokio::pin!(waiting);
            assert!(futures_util::poll!(&mut waiting).is_pending());
            gates.learn(&well, true);
            drop(first);
            assert!(matches!(waiting.await, Passage::Open));
        }

        assert!(matches!(gates.enter(&well).await, Passage::Open));
        assert!(matches!(gates.enter(&other).await, Passage::Alone(_)));
        gates.learn(&well, false);
        assert!(matches!(gates.enter(&well).await, Passage::Alone(_)));
    }
}
