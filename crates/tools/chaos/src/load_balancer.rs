//! Where platforms send their webhooks: to both ingests in turn, or to one that says that it is ready, as behind a load
//! balancer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Client;
use service::{Stop, periodic};

const ASK_EVERY: Duration = Duration::from_secs(1);
/// So often an ingest must not be ready before it gets nothing more: together within its linger after SIGTERM.
const FAILURES: u32 = 2;

/// The ingests.
#[derive(Debug)]
pub(crate) struct LoadBalancer {
    ingests: [Ingest; 2],
    http: Client,
}

#[derive(Debug)]
struct Ingest {
    address: SocketAddr,
    /// How often in a row it was not ready.
    failures: AtomicU32,
}

impl LoadBalancer {
    /// Both, ready or not, until [`watch`](Self::watch) asks them.
    pub(crate) fn new(ingests: [SocketAddr; 2], http: Client) -> Self {
        let ingests = ingests.map(|address| Ingest {
            address,
            failures: AtomicU32::new(0),
        });
        Self { ingests, http }
    }

    /// Where a platform's try goes; `None` where no ingest is ready.
    pub(crate) fn choose(&self, turn: usize) -> Option<SocketAddr> {
        let in_turn = self.ingests.iter().cycle().skip(turn % self.ingests.len());
        let mut ready = in_turn
            .take(self.ingests.len())
            .filter(|ingest| ingest.is_ready());
        ready.next().map(|ingest| ingest.address)
    }

    pub(crate) fn are_both_ready(&self) -> bool {
        let failures = |ingest: &Ingest| ingest.failures.load(Ordering::Relaxed);
        self.ingests.iter().all(|ingest| failures(ingest) == 0)
    }

    /// Asks both `/readyz` until the stop.
    pub(crate) async fn watch(&self, stop: &Stop) {
        periodic::run(stop, ASK_EVERY, || async {
            for ingest in &self.ingests {
                ingest.note(self.is_ready(ingest.address).await);
            }
        })
        .await;
    }

    async fn is_ready(&self, address: SocketAddr) -> bool {
        let asked = self.http.get(format!("http://{address}/readyz"));
        let answer = asked.timeout(ASK_EVERY).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

impl Ingest {
    fn is_ready(&self) -> bool {
        self.failures.load(Ordering::Relaxed) < FAILURES
    }

    fn note(&self, is_ready: bool) {
        let failures = if is_ready {
            0
        } else {
            self.failures.load(Ordering::Relaxed) + 1
        };
        self.failures.store(failures, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_ingest_that_was_not_ready_twice_gets_nothing_until_it_is_again() {
        let ingests = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let [one, other] = ingests;
        // An error means that another provider is in place, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().tls_certs_only([]).build().unwrap();
        let balancer = LoadBalancer::new(ingests, http);
        let chosen = || [0, 1, 2].map(|turn| balancer.choose(turn));
        assert_eq!(chosen(), [Some(one), Some(other), Some(one)]);

        balancer.ingests[0].note(false);
        assert_eq!(chosen()[0], Some(one));
        balancer.ingests[0].note(false);
        assert_eq!(chosen(), [Some(other); 3]);
        balancer.ingests[1].note(false);
        balancer.ingests[1].note(false);
        assert_eq!(chosen(), [None; 3]);

        balancer.ingests[0].note(true);
        assert_eq!(chosen(), [Some(one); 3]);
    }
}
