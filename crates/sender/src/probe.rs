//! One probe first: until an answer shows that a route is healthy, its messages go one at a time, so that an expired
//! token or a paused template is refused once and not for every message that waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::hold::Route;
use domain::ids::{NumberId, ResortId};
use service::lock;
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};

/// What messages have in common that one refusal could stop.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RouteKey {
    resort: ResortId,
    number: NumberId,
    template: Option<String>,
}

impl RouteKey {
    pub(crate) fn of(route: &Route) -> Self {
        Self {
            resort: route.resort.clone(),
            number: route.number.clone(),
            template: route.template.clone(),
        }
    }

    pub(crate) fn number(&self) -> &NumberId {
        &self.number
    }
}

/// A route that was healthy longer ago may have been refused since.
const HEALTHY_FOR: Duration = Duration::from_secs(10);

/// A route that was held a moment ago is still held: its messages need not wait for each other.
const HELD_FOR: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Health {
    seen: Mutex<Option<Seen>>,
    turns: Arc<Turns<()>>,
}

/// What was seen last of a route.
#[derive(Clone, Copy)]
enum Seen {
    Healthy(Instant),
    Held(Instant),
}

impl Health {
    fn set(&self, seen: Option<Seen>) {
        *lock(&self.seen) = seen;
    }

    /// What the route permits without waiting.
    fn permit(&self) -> Option<Permit> {
        match *lock(&self.seen) {
            Some(Seen::Healthy(at)) if at.elapsed() < HEALTHY_FOR => Some(Permit::Many),
            Some(Seen::Held(at)) if at.elapsed() < HELD_FOR => Some(Permit::Held),
            _ => None,
        }
    }
}

/// How many calls a route permits now.
pub(crate) enum Permit {
    /// The route is healthy.
    Many,
    /// The probe: no other call of the route while the guard lives.
    One(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>),
    /// None: a claim has just found the route held.
    Held,
}

/// The health of every route, as the calls of this process showed it.
#[derive(Default)]
pub(crate) struct Probes {
    routes: Mutex<HashMap<RouteKey, Arc<Health>>>,
}

impl Probes {
    /// Waits for the route's turn, unless the route is known to be healthy or held.
    pub(crate) async fn permit(&self, route: &RouteKey) -> Permit {
        let health = self.health(route);
        if let Some(permit) = health.permit() {
            return permit;
        }
        let turn = Arc::clone(&health.turns).lock_owned().await;
        // The probe that we waited for may have shown it.
        health.permit().unwrap_or(Permit::One(turn))
    }

    /// Notes what an answer shows.
    pub(crate) fn learn(&self, route: &RouteKey, is_healthy: bool) {
        self.health(route)
            .set(is_healthy.then(|| Seen::Healthy(Instant::now())));
    }

    /// Notes that a claim has found the route held.
    pub(crate) fn is_held(&self, route: &RouteKey) {
        self.health(route).set(Some(Seen::Held(Instant::now())));
    }

    /// Holds have ended: each route is asked about again.
    pub(crate) fn forget_holds(&self) {
        let routes = lock(&self.routes);
        for health in routes.values() {
            let mut seen = lock(&health.seen);
            seen.take_if(|seen| matches!(seen, Seen::Held(_)));
        }
    }

    fn health(&self, route: &RouteKey) -> Arc<Health> {
        let mut routes = lock(&self.routes);
        Arc::clone(routes.entry(route.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(template: &str) -> RouteKey {
        RouteKey {
            resort: ResortId::parse("azure-bay").unwrap(),
            number: NumberId::parse("1").unwrap(),
            template: Some(template.to_owned()),
        }
    }

    #[tokio::test]
    async fn one_goes_first_and_the_others_follow_together_once_the_route_was_healthy() {
        let probes = Probes::default();
        let (healthy, other) = (route("a"), route("b"));

        let first = probes.permit(&healthy).await;
        assert!(matches!(first, Permit::One(_)));
        {
            let waiting = probes.permit(&healthy);
            tokio::pin!(waiting);
            assert!(futures_util::poll!(&mut waiting).is_pending());
            probes.learn(&healthy, true);
            drop(first);
            assert!(matches!(waiting.await, Permit::Many));
        }

        assert!(matches!(probes.permit(&healthy).await, Permit::Many));
        assert!(matches!(probes.permit(&other).await, Permit::One(_)));
        probes.learn(&healthy, false);
        assert!(matches!(probes.permit(&healthy).await, Permit::One(_)));
        probes.is_held(&healthy);
        assert!(matches!(probes.permit(&healthy).await, Permit::Held));
    }
}
