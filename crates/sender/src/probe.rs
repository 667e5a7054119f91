//! One probe first: until an answer shows that a route is healthy, its messages go one at a time, so that an expired
//! token or a paused template is refused once and not for every message that waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::hold::Route;
use domain::ids::{NumberId, ResortId};
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

#[derive(Default)]
struct Health {
    healthy_at: Mutex<Option<Instant>>,
    turns: Arc<Turns<()>>,
}

impl Health {
    fn is_healthy(&self) -> bool {
        let healthy_at = *self.healthy_at.lock().unwrap_or_else(PoisonError::into_inner);
        healthy_at.is_some_and(|at| at.elapsed() < HEALTHY_FOR)
    }
}

/// How many calls a route permits now.
pub(crate) enum Permit {
    /// The route is healthy.
    Many,
    /// The probe: no other call of the route while the guard lives.
    One(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>),
}

/// The health of every route, as the calls of this process showed it.
#[derive(Default)]
pub(crate) struct Probes {
    routes: Mutex<HashMap<RouteKey, Arc<Health>>>,
}

impl Probes {
    /// Waits for the route's turn, unless the route is known to be healthy.
    pub(crate) async fn permit(&self, route: &RouteKey) -> Permit {
        let health = self.health(route);
        if health.is_healthy() {
            return Permit::Many;
        }
        let turn = Arc::clone(&health.turns).lock_owned().await;
        // The probe that we waited for may have shown it.
        if health.is_healthy() {
            Permit::Many
        } else {
            Permit::One(turn)
        }
    }

    /// Notes what an answer shows.
    pub(crate) fn learn(&self, route: &RouteKey, is_healthy: bool) {
        let health = self.health(route);
        *health.healthy_at.lock().unwrap_or_else(PoisonError::into_inner) = is_healthy.then(Instant::now);
    }

    fn health(&self, route: &RouteKey) -> Arc<Health> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
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
    }
}
