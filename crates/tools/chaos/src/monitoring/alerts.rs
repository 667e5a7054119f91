//! The alerts: which of them the faults of a run explain, and which they must bring.

use std::collections::{BTreeMap, BTreeSet};

use testkit::prometheus::{Prometheus, Range};

use crate::fault::{Fault, Mood, Player, Victim};

/// More restarts of one program within an hour bring `BellhopRestarts`: the first start is none.
const RESTARTS: usize = 3;

/// More webhooks that were answered with 503 must bring `BellhopWebhooksFailed`, which counts from 50: of each new kind of answer Prometheus misses the
/// first second.
const FAILED: usize = 500;

/// Whether a fault may be the reason of an alert.
type Explains = fn(Fault) -> bool;

/// An alert, and the faults that may be its reason. No fault lasts long enough for any other.
const REASONS: [(&str, Explains); 7] = [
    ("BellhopRestarts", |fault| restarted(fault).is_some()),
    ("BellhopConnectionsLost", |fault| fault.victim() == Victim::Broker),
    ("BellhopWebhooksFail", |fault| fault.victim() == Victim::Broker),
    ("BellhopWebhooksFailed", |fault| fault.victim() == Victim::Broker),
    // A full disk refuses a plan as it refuses everything.
    ("BellhopBookingsUnplannable", |fault| {
        fault.victim() == Victim::Postgres
    }),
    ("BellhopForeignAnswers", |fault| {
        matches!(
            fault,
            Fault::WhatsApp(Mood::GarbageAndLost | Mood::GarbageAndTaken)
        )
    }),
    ("BellhopLettersArrive", |fault| fault.loses_calls_for().is_some()),
];

/// The alerts that fired at any time of a run.
pub(super) async fn fired(prometheus: &Prometheus, run: Range) -> anyhow::Result<BTreeSet<String>> {
    // Asked in steps, an alert that fired between two of them would be missed.
    let query = format!(
        "count_over_time(ALERTS{{alertstate=\"firing\"}}[{:.0}s])",
        run.seconds().ceil()
    );
    let series = prometheus.over(&query, run.end()).await?;
    let name = |labels: BTreeMap<String, String>| labels.get("alertname").cloned();
    Ok(series.into_iter().filter_map(|one| name(one.labels)).collect())
}

/// What fired and should not have, and what should have fired and did not. `failed`: how many webhooks were answered with 503.
pub(crate) fn judge(fired: &BTreeSet<String>, played: &[Fault], failed: usize) -> Vec<String> {
    let is_explained = |alert: &&String| {
        let mut of_alert = REASONS.iter().filter(|(name, _)| name == *alert);
        of_alert.any(|(_, explains)| played.iter().any(|fault| explains(*fault)))
    };
    let unexplained = fired.iter().filter(|alert| !is_explained(alert));
    let unexplained = unexplained.map(|alert| format!("{alert}: no fault explains it"));
    let must = [
        ("BellhopRestarts", has_many_restarts(played)),
        ("BellhopWebhooksFailed", failed > FAILED),
    ];
    let missing = must
        .into_iter()
        .filter(|(alert, must)| *must && !fired.contains(*alert));
    let missing = missing.map(|(alert, _)| format!("{alert} did not fire"));
    unexplained.chain(missing).collect()
}

/// Whether one program was started again so often that it must bring an alert.
fn has_many_restarts(played: &[Fault]) -> bool {
    let mut restarts = BTreeMap::<Player, usize>::new();
    for player in played.iter().filter_map(|fault| restarted(*fault)) {
        *restarts.entry(player).or_default() += 1;
    }
    restarts.values().any(|count| *count > RESTARTS)
}

fn restarted(fault: Fault) -> Option<Player> {
    match fault {
        Fault::Kill(player) | Fault::Restart(player) => Some(player),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(alerts: &[&str]) -> BTreeSet<String> {
        alerts.iter().map(|alert| (*alert).to_owned()).collect()
    }

    // shows: B266
    #[test]
    fn an_alert_needs_a_fault_that_explains_it() {
        let broker = [Fault::BrokerStops];

        assert_eq!(
            judge(&fired(&["BellhopConnectionsLost"]), &broker, 500),
            [] as [&str; 0]
        );
        assert_eq!(
            judge(&fired(&["BellhopConnectionsLost", "BellhopPanics"]), &[], 0),
            [
                "BellhopConnectionsLost: no fault explains it",
                "BellhopPanics: no fault explains it"
            ]
        );
    }

    #[test]
    fn a_program_that_was_started_often_must_bring_its_alert() {
        let sender = Player::Sender(1);
        let thrice = [Fault::Kill(sender), Fault::Restart(sender), Fault::Kill(sender)];
        let of_others = [&thrice[..], &[Fault::Kill(Player::Sender(0))]].concat();
        let often = [&thrice[..], &[Fault::Kill(sender)]].concat();

        assert_eq!(judge(&fired(&[]), &of_others, 0), [] as [&str; 0]);
        assert_eq!(judge(&fired(&[]), &often, 0), ["BellhopRestarts did not fire"]);
        assert_eq!(judge(&fired(&["BellhopRestarts"]), &often, 0), [] as [&str; 0]);
    }

    #[test]
    fn many_failed_webhooks_must_bring_their_alert() {
        let broker = [Fault::BrokerStops];

        assert_eq!(
            judge(&fired(&[]), &broker, 501),
            ["BellhopWebhooksFailed did not fire"]
        );
        assert_eq!(
            judge(&fired(&["BellhopWebhooksFailed"]), &broker, 501),
            [] as [&str; 0]
        );
    }
}
